package io.lockstep.examples.calls;

import static io.lockstep.examples.calls.CallLimits.CARD_MAX;
import static io.lockstep.examples.calls.CallLimits.PAGE_MAX;

import io.lockstep.tsdstore.ServiceException;
import io.lockstep.wire.Identity;
import java.nio.ByteBuffer;

/** What the card office asks; a read, without effect. Safe from any thread, because questions are never changed. */
public sealed interface CallQuestion {
    /** The question as bytes. */
    byte[] encode();

    /** Reads a question. @throws ServiceException it is malformed; the text names the field and what is wrong */
    static CallQuestion decode(byte[] bytes) throws ServiceException {
        Fields fields = new Fields("call question", bytes);
        int kind = fields.code();
        return switch (kind) {
            case AboutCard.KIND -> AboutCard.decode(fields.of("about card"));
            case Audit.KIND -> Audit.decode(fields.of("audit"));
            case Records.KIND -> Records.decode(fields.of("records"));
            default -> throw new ServiceException("call question: unknown kind " + kind + ", known are 1 to 3");
        };
    }

    /** How a card stands; answered by {@link CallAnswer.CardState}. */
    record AboutCard(long card) implements CallQuestion {
        static final int KIND = 1;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 8).put((byte) KIND).putLong(card).array();
        }

        private static AboutCard decode(Fields fields) throws ServiceException {
            AboutCard aboutCard = new AboutCard(fields.int64("card", 1, CARD_MAX));
            fields.end();
            return aboutCard;
        }
    }

    /** The sums of the books; answered by {@link CallAnswer.Books}. Reads every card and record: for audits only. */
    record Audit() implements CallQuestion {
        static final int KIND = 2;

        @Override
        public byte[] encode() {
            return new byte[] {KIND};
        }

        private static Audit decode(Fields fields) throws ServiceException {
            fields.end();
            return new Audit();
        }
    }

    /**
     * One page of the records of the calls of one client session, by call; answered by {@link CallAnswer.Page}.
     *
     * @param session the session that the calls belonged to
     * @param afterCall where the page before ended: only calls with higher ids; 0 for the first page
     * @param limit most records in the page, 1 to 500
     */
    record Records(Identity session, long afterCall, int limit) implements CallQuestion {
        static final int KIND = 3;

        @Override
        public byte[] encode() {
            return ByteBuffer.allocate(1 + 8 + 8 + 8 + 4)
                    .put((byte) KIND)
                    .putLong(session.term())
                    .putLong(session.position())
                    .putLong(afterCall)
                    .putInt(limit)
                    .array();
        }

        private static Records decode(Fields fields) throws ServiceException {
            Records records = new Records(
                    new Identity(
                            fields.int64("session term", 1, Long.MAX_VALUE),
                            fields.int64("session position", 1, Long.MAX_VALUE)),
                    fields.int64("after call", 0, Long.MAX_VALUE),
                    fields.int32("limit", 1, PAGE_MAX));
            fields.end();
            return records;
        }
    }
}

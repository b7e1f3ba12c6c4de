package io.lockstep.examples.calls;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.distributor.LockstepException;
import io.lockstep.distributor.LockstepTransaction;
import io.lockstep.examples.calls.CallAnswer.Books;
import io.lockstep.examples.calls.CallAnswer.CardState;
import io.lockstep.examples.calls.CallAnswer.Charged;
import io.lockstep.examples.calls.CallAnswer.Granted;
import io.lockstep.examples.calls.CallAnswer.WrongPin;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.wire.Identity;
import java.util.List;
import java.util.concurrent.CompletionStage;

/**
 * The calling-card service as a switch sees it: typed messages over a {@link LockstepClient}. Safe from any thread,
 * because the client is.
 *
 * <p>Blocking methods throw {@link LockstepException}, whose outcome says whether the message took effect, and {@link
 * WrongPinException}; stages complete exceptionally with the same as the cause of a {@code CompletionException}.
 */
public final class CallClient {
    private final LockstepClient client;

    /**
     * A view of a client.
     *
     * @param client is not closed by this object
     */
    public CallClient(LockstepClient client) {
        this.client = client;
    }

    /**
     * Starts a call: checks the card and reserves its first stretch.
     *
     * @param card number of the card
     * @param pin 4 to 12 digits
     * @param seconds length of the first stretch, 1 to 86,400
     * @param context kept with the call, 0 to 64 KiB
     */
    public OpenedCall startCall(long card, String pin, int seconds, byte[] context) {
        return opened(client.begin(new CallMessage.Start(card, pin, seconds, context).encode()));
    }

    /** As {@link #startCall}, without waiting. */
    public CompletionStage<OpenedCall> startCallAsync(long card, String pin, int seconds, byte[] context) {
        return client.beginAsync(new CallMessage.Start(card, pin, seconds, context).encode())
                .thenApply(CallClient::opened);
    }

    /**
     * Issues a series of cards, each with its first top-up.
     *
     * @return the sums of the series
     */
    public Books issueCards(long firstCard, int count, String pin, long amount) {
        return office(new CallMessage.IssueCards(firstCard, count, pin, amount), Books.class);
    }

    /**
     * Adds to a card's balance.
     *
     * @param amount in micro-units
     */
    public CardState topUp(long card, long amount) {
        return office(new CallMessage.TopUp(card, amount), CardState.class);
    }

    /** Gives a card a new PIN and takes away a block. */
    public CardState setPin(long card, String pin) {
        return office(new CallMessage.SetPin(card, pin), CardState.class);
    }

    /** How a card stands. */
    public CardState card(long card) {
        return read(client.read(new CallQuestion.AboutCard(card).encode()), CardState.class);
    }

    /** The sums of the books. */
    public Books audit() {
        return read(client.read(new CallQuestion.Audit().encode()), Books.class);
    }

    /** A page of the records of a session's calls; see {@link CallQuestion.Records}. */
    public List<CallRecord> records(Identity session, long afterCall, int limit) {
        byte[] answer = client.read(new CallQuestion.Records(session, afterCall, limit).encode());
        return read(answer, CallAnswer.Page.class).records();
    }

    private <T extends CallAnswer> T office(CallMessage message, Class<T> type) {
        return read(client.begin(message.encode()).firstAnswer(), type);
    }

    private static OpenedCall opened(LockstepTransaction transaction) {
        CallAnswer answer = read(transaction.firstAnswer(), CallAnswer.class);
        if (answer instanceof WrongPin wrongPin) {
            throw new WrongPinException(wrongPin.triesLeft());
        }
        return new OpenedCall(transaction, read(transaction.firstAnswer(), Granted.class));
    }

    private static <T extends CallAnswer> T read(byte[] bytes, Class<T> type) {
        try {
            CallAnswer answer = CallAnswer.decode(bytes);
            if (!type.isInstance(answer)) {
                throw new IllegalStateException("expected the answer " + type.getSimpleName() + ", got " + answer);
            }
            return type.cast(answer);
        } catch (ServiceException e) {
            throw new IllegalStateException("service and client are not of one version: " + e.getMessage(), e);
        }
    }

    /** One open call. Safe from any thread; its messages take effect in the order in which they were handed in. */
    public static final class OpenedCall {
        private final LockstepTransaction transaction;
        private final Granted granted;

        private OpenedCall(LockstepTransaction transaction, Granted granted) {
            this.transaction = transaction;
            this.granted = granted;
        }

        /** What was granted when the call started. */
        public Granted granted() {
            return granted;
        }

        /** The call's id within its session, as its record has it. */
        public long id() {
            return transaction.id();
        }

        /**
         * Reports what was used of the present stretch and reserves another one.
         *
         * @param usedSeconds from 0 to the stretch's length
         * @param moreSeconds 1 to 86,400
         */
        public Granted extend(int usedSeconds, int moreSeconds) {
            return read(transaction.send(new CallMessage.Extend(usedSeconds, moreSeconds).encode()), Granted.class);
        }

        /** As {@link #extend}, without waiting. */
        public CompletionStage<Granted> extendAsync(int usedSeconds, int moreSeconds) {
            return transaction
                    .sendAsync(new CallMessage.Extend(usedSeconds, moreSeconds).encode())
                    .thenApply(answer -> read(answer, Granted.class));
        }

        /**
         * Ends the call and charges it.
         *
         * @param usedSeconds of the present stretch, from 0 to its length
         */
        public Charged hangUp(int usedSeconds) {
            return read(transaction.end(new CallMessage.HangUp(usedSeconds).encode()), Charged.class);
        }

        /** As {@link #hangUp}, without waiting. */
        public CompletionStage<Charged> hangUpAsync(int usedSeconds) {
            return transaction
                    .endAsync(new CallMessage.HangUp(usedSeconds).encode())
                    .thenApply(answer -> read(answer, Charged.class));
        }

        /** Takes the call back: nothing is charged. */
        public void rollback() {
            transaction.rollback();
        }
    }
}

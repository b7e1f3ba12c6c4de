package io.lockstep.tests.workload;

import io.lockstep.examples.calls.CallAnswer;
import io.lockstep.examples.calls.CallMessage;
import io.lockstep.examples.calls.CallQuestion;
import io.lockstep.examples.calls.CallRecord;
import io.lockstep.tsdstore.ServiceException;
import io.lockstep.wire.Identity;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** One session of the database under load, as far as a load needs it. Safe from any thread. */
interface CallDoor extends AutoCloseable {
    /** The session's name. */
    Identity session();

    /** Begins a transaction; completes exceptionally with {@link io.lockstep.distributor.LockstepException}. */
    CompletionStage<Conversation> begin(CallMessage message);

    /** Begins a transaction and waits for its answer. */
    byte[] beginAndWait(CallMessage message);

    /** Asks a question and waits for its answer. */
    byte[] ask(CallQuestion question);

    @Override
    void close();

    /** One open transaction. */
    interface Conversation {
        /** Request id of its first message. */
        long id();

        byte[] firstAnswer();

        /** Completes exceptionally with {@link io.lockstep.distributor.LockstepException}. */
        CompletionStage<byte[]> send(CallMessage message);

        /** Sends the termination message; completes exceptionally as {@link #send} does. */
        CompletionStage<byte[]> end(CallMessage message);

        /** Request id of the latest message that was sent. */
        long lastRequestId();
    }

    /** The sums of the books. */
    default CallAnswer.Books audit() {
        return read(ask(new CallQuestion.Audit()), CallAnswer.Books.class);
    }

    /** A page of the records of a session's calls. */
    default List<CallRecord> records(Identity session, long afterCall, int limit) {
        byte[] page = ask(new CallQuestion.Records(session, afterCall, limit));
        return read(page, CallAnswer.Page.class).records();
    }

    private static <T extends CallAnswer> T read(byte[] bytes, Class<T> type) {
        try {
            return type.cast(CallAnswer.decode(bytes));
        } catch (ServiceException e) {
            throw new IllegalStateException("service and load are not of one version: " + e.getMessage(), e);
        }
    }
}

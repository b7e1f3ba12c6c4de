package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.ControlHeader;
import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The session table by itself: what an outcome is made of, and what is due when somebody was active. */
class StoreStateTest {
    private static final Identity NAME = new Identity(1, 2);
    private static final long HOUR_NS = 3_600_000_000_000L;

    /** One session with one open transaction, begun by its request 3. */
    private static final class World {
        final StoreState state = new StoreState();
        final Session session = new Session(NAME, 77, 1, 0, HOUR_NS);
        OpenTransaction transaction = new OpenTransaction(session, 3, TransactionState.EMPTY, 0, HOUR_NS);
        ControlHeader header = header(RequestKind.CONTINUE, 4, 3);

        @Nullable Answer answer = answer(AnswerCode.OK, "yes", new Identity(1, 9));

        @Nullable Answer released;

        List<OutsideEffect> asked = new ArrayList<>();
        long transactionsEnded;

        World() {
            session.lastOrdered = 4;
            state.add(session);
            state.add(transaction);
        }

        static ControlHeader header(RequestKind kind, long requestId, long transaction) {
            return new ControlHeader(1, 9, NAME, requestId, kind, 1, transaction, 0, 0, 0);
        }

        static Answer answer(AnswerCode code, String body, Identity entry) {
            return new Answer(NAME, 4, entry, code, ShopService.bytes(body));
        }

        long outcome() {
            return state.outcome(header, answer, released, asked, transactionsEnded);
        }
    }

    private static long after(Consumer<World> change) {
        World world = new World();
        change.accept(world);
        return world.outcome();
    }

    @Test
    void everyPartOfAnOutcomeCounts() {
        List<Consumer<World>> changes = List.of(
                world -> {},
                world -> world.answer = null,
                world -> world.answer = World.answer(AnswerCode.SERVICE_ERROR, "yes", new Identity(1, 9)),
                world -> world.answer = World.answer(AnswerCode.OK, "no", new Identity(1, 9)),
                world -> world.answer = World.answer(AnswerCode.OK, "yes", new Identity(1, 8)),
                world -> world.released = World.answer(AnswerCode.OK, "late", NAME),
                world -> world.released = World.answer(AnswerCode.OK, "later", NAME),
                world -> world.asked.add(new OutsideEffect("mail", new byte[1], false)),
                world -> world.asked.add(new OutsideEffect("mail", new byte[1], true)),
                world -> world.asked.add(new OutsideEffect("mail", new byte[2], false)),
                world -> world.asked.add(new OutsideEffect("call", new byte[1], false)),
                world -> world.transactionsEnded = 5,
                world -> world.session.lastOrdered = 5,
                world -> world.session.prunedUpTo = 1,
                world -> world.session.attach = 2,
                world -> world.session.waitingRequest = 4,
                world -> world.transaction.idleNs = 1,
                world -> world.transaction.state = TransactionState.EMPTY.with("a", new byte[1]),
                world -> world.transaction.state = TransactionState.EMPTY.with("a", new byte[2]),
                world -> world.transaction.state = TransactionState.EMPTY.with("b", new byte[1]),
                world -> world.state.remove(world.transaction),
                world -> world.state.remove(world.session));
        assertThat(new HashSet<>(changes.stream().map(StoreStateTest::after).toList()))
                .hasSameSizeAs(changes);
        for (Consumer<World> change : changes) {
            assertThat(after(change)).isEqualTo(after(change));
        }
    }

    @Test
    void theTransactionThatAMessageIsAboutIsTheOneThatItBeginsOrNames() {
        assertThat(StoreState.transactionOf(World.header(RequestKind.BEGIN, 3, 0)))
                .isEqualTo(3);
        assertThat(StoreState.transactionOf(World.header(RequestKind.CONTINUE, 4, 3)))
                .isEqualTo(3);
        assertThat(after(world -> world.header = World.header(RequestKind.BEGIN, 3, 0)))
                .isEqualTo(after(world -> {}));
    }

    @Test
    void aSessionThatIsBeingOpenedCountsUnderItsNewName() {
        long opened = after(world ->
                world.header = new ControlHeader(1, 9, Identity.provisional(77), 0, RequestKind.OPEN, 1, 3, 0, 0, 0));
        assertThat(opened).isNotEqualTo(after(world -> {
            world.header = new ControlHeader(1, 9, Identity.provisional(77), 0, RequestKind.OPEN, 1, 3, 0, 0, 0);
            world.answer = World.answer(AnswerCode.OK, "yes", NAME);
        }));
    }

    @Test
    void whatIsDueFirstFollowsWhoWasActive() {
        World world = new World();
        Session other = new Session(new Identity(1, 5), 78, 1, HOUR_NS, HOUR_NS);
        OpenTransaction others = new OpenTransaction(other, 3, TransactionState.EMPTY, HOUR_NS, HOUR_NS);
        world.state.add(other);
        world.state.add(others);
        assertThat(world.state.firstDueSession()).isSameAs(world.session);
        assertThat(world.state.firstDueTransaction()).isSameAs(world.transaction);

        world.state.touch(world.session, 2 * HOUR_NS);
        world.state.touch(world.transaction, 2 * HOUR_NS, HOUR_NS);
        assertThat(world.state.firstDueSession()).isSameAs(other);
        assertThat(world.state.firstDueTransaction()).isSameAs(others);

        world.state.touchAll(3 * HOUR_NS);
        assertThat(List.of(world.session.dueNs(), other.dueNs(), world.transaction.dueNs(), others.dueNs()))
                .containsOnly(4 * HOUR_NS);
        assertThat(world.state.firstDueSession()).isSameAs(world.session);
        assertThat(world.state.firstDueTransaction()).isSameAs(world.transaction);

        world.state.remove(world.session);
        assertThat(world.state.session(NAME)).isNull();
        assertThat(world.state.sessionOpenedWith(77)).isNull();
        assertThat(world.state.firstDueSession()).isSameAs(other);
        assertThat(world.state.firstDueTransaction()).isSameAs(others);
        assertThat(Optional.ofNullable(world.state.sessionOpenedWith(78))).containsSame(other);
    }
}

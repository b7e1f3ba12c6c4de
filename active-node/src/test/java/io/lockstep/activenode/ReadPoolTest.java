package io.lockstep.activenode;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import io.lockstep.wire.View;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ReadPoolTest {
    private static final Identity SESSION = new Identity(1, 2);
    private static final int ROOM_BYTES = 100_000;

    private final BlockingQueue<Runnable> agent = new LinkedBlockingQueue<>();
    private final BlockingQueue<Request> taken = new LinkedBlockingQueue<>();
    private final BlockingQueue<Answer> answered = new LinkedBlockingQueue<>();
    private final BlockingQueue<Connection> channels = new LinkedBlockingQueue<>();
    private final ReadAnswers answers = new ReadAnswers(ROOM_BYTES);
    private final ReadPool pool = new ReadPool(new Agent(), () -> 7, answers, (channel, request, ordered) -> {
        taken.add(request);
        channels.add(channel);
        answered.add(Objects.requireNonNull(ordered.answer()));
    });

    @Test
    void aRepeatOfAReadThatIsNotDoneReadsNothingAndGetsTheAnswer() throws InterruptedException {
        CountDownLatch mayGoOn = new CountDownLatch(1);
        AtomicInteger reads = new AtomicInteger();
        Request first = new Asking(SESSION).read("sum");
        Request repeat = first.asRepeated();
        Nowhere channel = new Nowhere();
        assertThat(pool.read(channel, first, () -> {
                    reads.incrementAndGet();
                    await(mayGoOn);
                    return answer(first);
                }))
                .isTrue();
        assertThat(pool.read(channel, repeat, () -> {
                    reads.incrementAndGet();
                    return answer(repeat);
                }))
                .isTrue();
        mayGoOn.countDown();
        agent.take().run();
        assertThat(taken).singleElement().isSameAs(repeat);
        assertThat(reads).hasValue(1);
        pool.close();
        assertThat(agent).isEmpty();
    }

    @Test
    void aReadIsNotReadWhileTooManyAnswersWaitAndIsWhenTheyHaveLeft() throws InterruptedException {
        Asking asking = new Asking(SESSION);
        Request first = asking.read("sum");
        Request second = asking.request(2, RequestKind.READ, 0, 0, "sum");
        Nowhere channel = new Nowhere();
        pool.read(channel, first, () -> answer(first, ROOM_BYTES));
        agent.take().run();
        assertThat(answered.remove().code()).isEqualTo(AnswerCode.OK);

        pool.read(channel, second, () -> {
            throw new AssertionError("there is no room for its answer");
        });
        agent.take().run();
        Answer busy = answered.remove();
        assertThat(busy.code()).isEqualTo(AnswerCode.BUSY);
        assertThat(busy.requestId()).isEqualTo(second.requestId());
        assertThat(new String(busy.body(), StandardCharsets.UTF_8))
                .contains(ROOM_BYTES + " wait", "sent again by itself", "more heap");

        channels.remove().send(new Frame.Reply(1, answer(first, ROOM_BYTES)));
        assertThat(channel.sent.remove()).isEqualTo(AnswerCode.OK);
        pool.read(channel, second, () -> answer(second, 1));
        agent.take().run();
        assertThat(answered.remove().code()).isEqualTo(AnswerCode.OK);
        pool.close();
    }

    @Test
    void anAnswerThatItsConnectionCannotTakeBecomesBusyAndGivesItsRoomBack() {
        Request request = new Asking(SESSION).read("sum");
        Nowhere channel = new Nowhere();
        channel.isWritable = false;
        Answer answer = answer(request, ROOM_BYTES);
        Connection counted = answers.counted(channel, answer);
        assertThat(answers.isFull()).isTrue();

        counted.send(new Frame.Reply(1, answer));

        assertThat(channel.sent).containsExactly(AnswerCode.BUSY);
        assertThat(answers.isFull()).isFalse();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException ended) {
            throw new IllegalStateException(ended);
        }
    }

    private static Answer answer(Request request) {
        return answer(request, 0);
    }

    private static Answer answer(Request request, int bytes) {
        return new Answer(SESSION, request.requestId(), SESSION, AnswerCode.OK, new byte[bytes]);
    }

    private static final class Nowhere implements Connection {
        final BlockingQueue<AnswerCode> sent = new LinkedBlockingQueue<>();
        boolean isWritable = true;

        @Override
        public Peer peer() {
            return new Peer("c", Peer.Role.CLIENT, 1);
        }

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public boolean isWritable() {
            return isWritable;
        }

        /** Called by the gate only, here by the test. */
        @Override
        public void send(Frame frame) {
            sent.add(((Frame.Reply) frame).answer().code());
        }

        @Override
        public void close(String reason) {
            throw new AssertionError(reason);
        }

        @Override
        public SocketAddress remote() {
            return InetSocketAddress.createUnresolved("c", 1);
        }
    }

    private final class Agent implements ActivePort {
        @Override
        public void send(View.Member to, Frame frame) {
            throw new AssertionError("a read sends nothing to a backup");
        }

        @Override
        public void viewInstalled(View view) {
            throw new AssertionError("a read changes no view");
        }

        @Override
        public void deposed(View current, String reason) {
            throw new AssertionError("a read deposes nobody");
        }

        @Override
        public void wake() {
            throw new AssertionError("only the lane wakes the agent");
        }

        @Override
        public void onAgent(Runnable task) {
            agent.add(task);
        }

        @Override
        public void failed(@Nullable Request poison, Throwable cause) {
            throw new AssertionError(cause);
        }
    }
}

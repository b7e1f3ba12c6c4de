package io.lockstep.activenode;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Connection;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Request;
import io.lockstep.wire.View;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
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

    private final BlockingQueue<Runnable> agent = new LinkedBlockingQueue<>();
    private final BlockingQueue<Request> taken = new LinkedBlockingQueue<>();
    private final ReadPool pool = new ReadPool(new Agent(), () -> 7, (channel, request, ordered) -> taken.add(request));

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

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException ended) {
            throw new IllegalStateException(ended);
        }
    }

    private static Answer answer(Request request) {
        return new Answer(SESSION, request.requestId(), SESSION, AnswerCode.OK, new byte[0]);
    }

    private static final class Nowhere implements Connection {
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
            return true;
        }

        @Override
        public void send(Frame frame) {
            throw new AssertionError("the node agent sends");
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

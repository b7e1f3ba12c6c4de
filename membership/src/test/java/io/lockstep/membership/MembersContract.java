package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.Peer;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What every body of {@link Members} keeps. */
@Timeout(60)
abstract class MembersContract {
    static final Endpoint N1 = new Endpoint("n1", Peer.Role.NODE, -3, 101, "127.0.0.1", 7501, 0);

    /** Members of a cluster in which only n1 is. */
    abstract Members alone() throws Exception;

    /** Notes what it hears, as a listener must. */
    static final class Notes implements MembersListener {
        final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

        @Override
        public void onAppeared(Endpoint endpoint) {
            heard.add("appeared " + endpoint.name() + " " + endpoint.incarnation());
        }

        @Override
        public void onChanged(Endpoint before, Endpoint endpoint) {
            heard.add("changed " + endpoint.name() + " " + before.incarnation() + " " + endpoint.incarnation());
        }

        @Override
        public void onGone(Endpoint endpoint) {
            heard.add("gone " + endpoint.name());
        }

        String next() throws InterruptedException {
            return String.valueOf(heard.poll(30, TimeUnit.SECONDS));
        }
    }

    @Test
    void findsItself() throws Exception {
        try (Members members = alone()) {
            assertThat(members.all()).isEqualTo(List.of(N1));
            assertThat(members.find("n1")).contains(N1);
            assertThat(members.find("nobody")).isEmpty();
        }
    }

    @Test
    void tellsOfANewIncarnation() throws Exception {
        Notes notes = new Notes();
        try (Members members = alone()) {
            members.listen(notes);
            assertThat(notes.next()).isEqualTo("appeared n1 -3");
            members.publish(N1.withIncarnation(8));
            assertThat(notes.next()).isEqualTo("changed n1 -3 8");
            assertThat(members.find("n1")).contains(N1.withIncarnation(8));
        }
    }

    @Test
    void showsTheLastStatus() throws Exception {
        try (Members members = alone()) {
            assertThat(members.statuses()).isEmpty();
            members.publishStatus("n1", "{\"a\":1}");
            members.publishStatus("n1", "{\"a\":\n2}");
            assertThat(members.statuses()).containsExactly(java.util.Map.entry("n1", "{\"a\":\n2}"));
        }
    }
}

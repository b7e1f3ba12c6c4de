package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Ballot;
import io.lockstep.wire.Frame;
import io.lockstep.wire.Frame.Prepare;
import io.lockstep.wire.Frame.Promise;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A voter replies from its own thread, and only what is in its file. */
@Timeout(30)
class RegisterAgentTest {
    @TempDir
    Path folder;

    private final List<Throwable> failures = new ArrayList<>();

    @Test
    void repliesAreOnDiskAndSurviveARestart() throws Exception {
        BlockingQueue<Frame> replies = new LinkedBlockingQueue<>();
        Path path = folder.resolve("register");
        try (RegisterAgent agent = RegisterAgent.start("n1", path, () -> 7, failures::add)) {
            agent.submit(new Prepare(0, new Ballot(3, 1)), replies::add);
            assertThat(replies.poll(20, TimeUnit.SECONDS)).isInstanceOf(Promise.class);
        }
        try (RegisterFile file = RegisterFile.open(path, () -> 8)) {
            assertThat(file.record().promised()).isEqualTo(new Ballot(3, 1));
            assertThat(file.record().diskId()).isEqualTo(7);
        }
        assertThat(failures).isEmpty();
    }

    @Test
    void takesNoFrameThatIsNotForAVoter() throws Exception {
        try (RegisterAgent agent = RegisterAgent.start("n1", folder.resolve("register"), () -> 7, failures::add)) {
            assertThatThrownBy(() -> agent.submit(new Frame.Goodbye(0, "bye"), reply -> {}))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aVoterThatCannotSaveNeverSpeaksAgain() {
        RegisterStore broken = new RegisterStore() {
            private int saves;

            @Override
            public VoterRecord record() {
                return VoterRecord.ofNewDisk(7);
            }

            @Override
            public void save(VoterRecord record) throws IOException {
                saves++;
                if (saves == 1) {
                    throw new IOException("no space");
                }
            }
        };
        RegisterAcceptor acceptor = new RegisterAcceptor("n1", broken);
        assertThatThrownBy(() -> acceptor.answer(new Prepare(0, new Ballot(1, 1))))
                .hasMessage("no space");
        assertThatThrownBy(() -> acceptor.answer(new Prepare(0, new Ballot(2, 1))))
                .hasMessageContaining("does not vote any more");
    }
}

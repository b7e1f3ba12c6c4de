package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.membership.StaticMembers;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A node in a process that is told when it cannot go on. */
@Timeout(60)
final class NodeTest {
    @TempDir
    private Path folder;

    @Test
    void anErrorOfAThreadThatIsNotItsOwnEndsTheProcess() throws Exception {
        LockstepConfig config = LockstepConfig.parse("""
                cluster: test
                name: node-1
                role: node
                nodes: [node-1]
                voters: [node-1]
                hazelcast-port: 25702
                hazelcast-members: ['127.0.0.1:25702']
                directory: %s
                """.formatted(folder), "node.yaml");
        CountDownLatch halted = new CountDownLatch(1);
        Node.Surroundings around = new Node.Surroundings() {
            @Override
            public long pid() {
                return 1;
            }

            @Override
            public void end(String reason) {
                throw new AssertionError(reason);
            }

            @Override
            public void halt() {
                halted.countDown();
            }
        };
        try (Node node = new Node(config, 7, new EchoService(), Map.of(), around)) {
            node.join(new StaticMembers(List.of(node.endpoint())));

            node.failed(new OutOfMemoryError("pretended"));

            assertThat(halted.await(20, TimeUnit.SECONDS)).isTrue();
        }
    }
}

package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class NodeStatusTest {
    private final NodeStatus status = new NodeStatus(LockstepConfig.parse("""
            cluster: test
            name: node-1
            role: node
            nodes: [node-1]
            voters: [node-1]
            hazelcast-port: 25702
            hazelcast-members: ['127.0.0.1:25702']
            directory: none
            """, "node.yaml"), 1);

    @Test
    void aChangeOfStateIsNewsUntilItIsTold() {
        assertThat(isNews("SERVING", 0, 1)).isTrue();
        assertThat(isNews("SERVING", 0, 1)).isTrue();
        status.tell();
        assertThat(isNews("SERVING", 0, 1)).isFalse();
        assertThat(isNews("HOLDING_BACK", 0, 1)).isTrue();
    }

    @Test
    void positionsAreNewsWhenTheyHaveComeToRest() {
        isNews("SERVING", 0, 1);
        status.tell();

        assertThat(isNews("SERVING", 10, 1)).isFalse();
        assertThat(isNews("SERVING", 20, 1)).isFalse();
        assertThat(isNews("SERVING", 20, 1)).isTrue();
        status.tell();
        assertThat(isNews("SERVING", 20, 1)).isFalse();
    }

    @Test
    void theHeapIsNone() {
        isNews("SERVING", 0, 1);
        status.tell();

        assertThat(isNews("SERVING", 0, 2)).isFalse();
        assertThat(isNews("SERVING", 0, 2)).isFalse();
    }

    private boolean isNews(String state, long position, long heap) {
        return status.isNews(new HashMap<>(
                Map.of("state", state, "executedPosition", position, "heapUsedBytes", heap, "threads", heap)));
    }
}

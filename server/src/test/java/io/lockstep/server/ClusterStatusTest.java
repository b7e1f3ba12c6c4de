package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.StaticMembers;
import io.lockstep.wire.Peer;
import io.lockstep.wire.View;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The document that status prints has every key of the contract, whatever is known. */
final class ClusterStatusTest {
    private static final LockstepConfig CONFIG = LockstepConfig.parse("""
            name: distributor-1
            role: distributor
            nodes: [node-1, node-2]
            voters: [node-1, node-2, distributor-1]
            hazelcast-port: 25701
            hazelcast-members: ['127.0.0.1:25701']
            directory: /tmp/d
            """, "d.yaml");

    @Test
    void hasEveryKeyWhenNobodyIsKnown() throws IOException {
        JsonNode document = json(StatusPage.of(CONFIG, 0, null, new StaticMembers(List.of())));

        assertThat(document.fieldNames())
                .toIterable()
                .contains("schema", "database", "term", "active", "nodes", "distributors");
        assertThat(document.path("active").isNull()).isTrue();
        assertThat(document.path("nodes")).hasSize(2);
        assertThat(document.path("nodes").path(0).fieldNames())
                .toIterable()
                .contains("name", "role", "state", "inSync", "pid", "ports", "receivedPosition", "executedPosition");
        assertThat(document.path("nodes").path(0).path("state").asText()).isEqualTo("GONE");
    }

    @Test
    void believesTheActiveAboutWhoIsInSync() throws IOException {
        StaticMembers members = new StaticMembers(List.of(node("node-1", 0xa, 101), node("node-2", 0xb, 102)));
        members.publishStatus("node-1", """
                {"name":"node-1","role":"ACTIVE","state":"SERVING","inSync":true,"pid":101,"incarnation":"a",
                 "ports":{"peer":7},"term":3,"version":5,"receivedPosition":9,"executedPosition":9,
                 "inSyncBackups":["node-2/b"],"more":1}""");
        members.publishStatus("node-2", """
                {"name":"node-2","role":"BACKUP","state":"FOLLOWING","inSync":false,"pid":102,"incarnation":"b",
                 "ports":{"peer":8},"term":3,"version":5,"receivedPosition":9,"executedPosition":8}""");

        ClusterStatus status = StatusPage.of(CONFIG, 3, new View.Member("node-1", 0xa), members);

        assertThat(status.isInSync(1)).isTrue();
        assertThat(status.isInSync(2)).isFalse();
        assertThat(status.inSyncBackups())
                .extracting(ClusterStatus.NodeStatus::pid)
                .containsExactly(102L);
        assertThat(ClusterStatus.parse(StatusPage.json(status))).isEqualTo(status);
    }

    @Test
    void takesTheWordOfTheHighestTermWhileTheViewIsNotKnown() {
        StaticMembers members = new StaticMembers(List.of());
        members.publishStatus("node-1", "{\"name\":\"node-1\",\"role\":\"ACTIVE\",\"term\":3}");
        members.publishStatus("node-2", "{\"name\":\"node-2\",\"role\":\"ACTIVE\",\"term\":4}");

        ClusterStatus status = StatusPage.of(CONFIG, 0, null, members);

        assertThat(status.active()).isEqualTo("node-2");
        assertThat(status.term()).isEqualTo(4);
    }

    private static Endpoint node(String name, long incarnation, long pid) {
        return new Endpoint(name, Peer.Role.NODE, incarnation, pid, "127.0.0.1", 7, 0);
    }

    private static JsonNode json(ClusterStatus status) throws IOException {
        return new ObjectMapper().readTree(StatusPage.json(status));
    }
}

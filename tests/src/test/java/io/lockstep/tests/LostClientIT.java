package io.lockstep.tests;

import static io.lockstep.tests.TestCluster.LIMIT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.examples.calls.CallAnswer.Books;
import io.lockstep.examples.calls.CallAnswer.CardState;
import io.lockstep.examples.calls.CallClient;
import io.lockstep.examples.calls.CallMessage;
import io.lockstep.wire.Answer;
import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Peer;
import io.lockstep.wire.RequestKind;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A client that dies in an open transaction (row 83). */
@Timeout(value = 3, unit = TimeUnit.MINUTES)
class LostClientIT {
    private static final String PIN = "471100";

    @TempDir
    private Path folder;

    @Test
    void theTransactionOfAClientThatDiedIsRolledBackOnBothNodesAfterTheGrace() throws Exception {
        try (TestCluster cluster = TestCluster.start(
                        TestCluster.plan(folder, "prepaid-calls").withSettings(Map.of("session-grace", "500ms")));
                LockstepClient witness = cluster.client("witness")) {
            CallClient calls = new CallClient(witness);
            Books books = calls.issueCards(1, 1, PIN, 1_000_000_000);
            CardState untouched = calls.card(1);

            Identity session;
            try (WireClient wire = new WireClient(
                    cluster.processes().clientAddresses().get(0), new Peer("lost", Peer.Role.CLIENT, 9))) {
                session = wire.open(9);
                Answer started = wire.ask(WireClient.request(
                        session, 1, RequestKind.BEGIN, 0, 0, new CallMessage.Start(1, PIN, 60, new byte[0]).encode()));
                assertThat(started.code()).isEqualTo(AnswerCode.OK);
                assertThat(calls.card(1).reserved()).isPositive();
                assertThat(calls.card(1).openCalls()).isOne();
            } // closed without a word about the session

            await().atMost(LIMIT).untilAsserted(() -> assertThat(calls.card(1)).isEqualTo(untouched));
            Books after = calls.audit();
            assertThat(after)
                    .usingRecursiveComparison()
                    .ignoringFields("records")
                    .isEqualTo(books);
            assertThat(after.records())
                    .as("the record of a call that was taken back")
                    .isOne();
            cluster.equalEverywhere(witness);
            try (WireClient wire = new WireClient(
                    cluster.processes().clientAddresses().get(0), new Peer("lost", Peer.Role.CLIENT, 9))) {
                Answer late = wire.ask(
                        WireClient.request(session, 2, RequestKind.END, 1, 1, new CallMessage.HangUp(60).encode()));
                assertThat(late.code()).isEqualTo(AnswerCode.UNKNOWN_SESSION);
            }
            assertThat(calls.card(1)).isEqualTo(untouched);
        }
    }
}

package io.lockstep.membership;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;

/** A wrong setting is refused with a text that names it. */
class MembershipConfigTest {
    private static MembershipConfig config(
            String self, List<String> voters, String host, int port, List<String> addresses, Duration detection) {
        return new MembershipConfig("lockstep", self, voters, host, port, addresses, detection);
    }

    private static AbstractThrowableAssert<?, ?> refused(
            String self, List<String> voters, String host, int port, List<String> addresses, long detectionMs) {
        return assertThatThrownBy(() -> config(self, voters, host, port, addresses, Duration.ofMillis(detectionMs)))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static final List<String> THREE = List.of("n1", "n2", "d1");
    private static final List<String> HERE = List.of("127.0.0.1:5701");

    @Test
    void takesGoodSettings() {
        MembershipConfig good = config("n1", THREE, "127.0.0.1", 5701, HERE, Duration.ofMillis(500));
        assertThat(good.isVoter()).isTrue();
        assertThat(config("d2", THREE, "127.0.0.1", 5701, HERE, Duration.ofMillis(500))
                        .isVoter())
                .isFalse();
    }

    @Test
    void hasNoVotersWhereZooKeeperHoldsTheRegister() {
        assertThat(config("n1", List.of(), "127.0.0.1", 5701, HERE, Duration.ofMillis(500))
                        .isVoter())
                .isFalse();
    }

    @Test
    void refusesVotersThatAreEvenDoubledManyOrBadlyNamed() {
        refused("n1", List.of("n1", "n2"), "127.0.0.1", 5701, HERE, 500).hasMessageContaining("odd number");
        refused("n1", List.of("n1", "n2", "n2"), "127.0.0.1", 5701, HERE, 500).hasMessageContaining("named twice");
        refused("n1", List.of("n1", "n 2", "n3"), "127.0.0.1", 5701, HERE, 500).hasMessageContaining("'n 2'");
        refused("n1", List.of("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"), "127.0.0.1", 5701, HERE, 500)
                .hasMessageContaining("1 to 9");
    }

    @Test
    void refusesMoreVotersThanHostsExceptOnLoopback() {
        List<String> two = List.of("10.0.0.1:5701", "10.0.0.2:5701", "10.0.0.2:5702");
        refused("n1", THREE, "10.0.0.1", 5701, two, 500).hasMessageContaining("at most one voter may be on a host");
        List<String> three = List.of("10.0.0.1:5701", "10.0.0.2:5701", "10.0.0.3:5701");
        assertThat(config("n1", THREE, "10.0.0.1", 5701, three, Duration.ofMillis(500))
                        .isVoter())
                .isTrue();
    }

    @Test
    void refusesAddressesThatAreNone() {
        refused("n1", THREE, "127.0.0.1", 5701, List.of(), 500).hasMessageContaining("missing");
        refused("n1", THREE, "127.0.0.1", 5701, List.of("localhost"), 500).hasMessageContaining("host:port");
        refused("n1", THREE, "127.0.0.1", 5701, List.of("a:99999"), 500).hasMessageContaining("99999");
        refused("n1", THREE, "127.0.0.1", 5701, List.of("a:1", "a:1"), 500).hasMessageContaining("twice");
        refused("n1", THREE, "127.0.0.1", 0, HERE, 500).hasMessageContaining("member port");
        refused("n1", THREE, "0.0.0.0", 5701, HERE, 500).hasMessageContaining("all interfaces");
    }

    @Test
    void refusesNamesAndTimesOutOfRange() {
        refused("", THREE, "127.0.0.1", 5701, HERE, 500).hasMessageContaining("self");
        refused("n1", THREE, "127.0.0.1", 5701, HERE, -1).hasMessageContaining("failure-detection");
        refused("n1", THREE, "127.0.0.1", 5701, HERE, 61_000).hasMessageContaining("failure-detection");
    }
}

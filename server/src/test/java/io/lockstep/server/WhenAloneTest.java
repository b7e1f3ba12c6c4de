package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.wire.View;
import java.util.List;
import org.junit.jupiter.api.Test;

/** When an active that is alone takes nothing new. */
class WhenAloneTest {
    private static final View.Member ACTIVE = new View.Member("n1", 1);

    @Test
    void stopsWhenTheLastBackupHasLeft() {
        assertThat(WhenAlone.STOP.isStoppedIn(view(3))).isTrue();
        assertThat(WhenAlone.STOP.isStoppedIn(view(3, new View.Member("n2", 1))))
                .isFalse();
    }

    @Test
    void servesANewDatabaseThatHasNoBackupYet() {
        assertThat(WhenAlone.STOP.isStoppedIn(view(1))).isFalse();
    }

    @Test
    void goesOnWhenToldTo() {
        assertThat(WhenAlone.CONTINUE.isStoppedIn(view(3))).isFalse();
    }

    private static View view(long version, View.Member... backups) {
        return new View(version, 1, ACTIVE, List.of(backups), List.of(), 0);
    }
}

package io.lockstep.tests.onejvm;

import io.lockstep.tests.onejvm.ClientActor.Tally;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(Timeline.class)
class TakeoverDrillTest {
    @TempDir
    private Path folder;

    @Test
    void row12() {
        try (Drill drill = Drill.start(folder, Drill.Plan.ordinary())) {
            Tally tally = drill.client("c").begin(1);
            tally.add(2);
            drill.active().kill();
            tally.add(3);
            tally.end(4);
            drill.check();
        }
    }
}

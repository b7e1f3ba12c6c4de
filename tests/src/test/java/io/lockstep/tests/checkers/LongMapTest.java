package io.lockstep.tests.checkers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LongMapTest {
    @Test
    void holdsWhatAMapOfObjectsHolds() {
        SplittableRandom random = new SplittableRandom(7);
        LongMap map = new LongMap();
        Map<Long, Long> expected = new HashMap<>();
        for (int i = 0; i < 10_000; i++) {
            long key = random.nextBoolean() ? random.nextLong(2_000) : random.nextLong();
            long value = random.nextInt(4) == 0 ? 0 : random.nextLong();
            if (random.nextBoolean()) {
                map.put(key, value);
                expected.put(key, value);
            } else {
                Long before = expected.putIfAbsent(key, value);
                assertThat(map.putIfAbsent(key, value)).isEqualTo(before == null ? LongMap.NONE : before);
            }
        }
        expected.forEach((key, value) -> assertThat(map.get(key)).isEqualTo(value));
        assertThat(map.get(-1)).isEqualTo(LongMap.NONE);
    }
}

package io.lockstep.sqlwire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.h2.value.Value;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Damage at random: of every reply, a few bytes changed or its end cut off. */
class SqlDamageTest {
    private final SqlCodec codec = new SqlCodec(LobReferences.INLINE);

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void damagedMessagesAreRefusedWithoutAllocatingForThem(long seed) throws Exception {
        SqlCodecTest.Result sent = SqlCodecTest.everyType();
        List<byte[]> bodies = new ArrayList<>();
        SqlCodecTest.everyReply().forEach(reply -> bodies.add(codec.encode(reply)));
        bodies.add(codec.encode(new SqlReply(
                false,
                false,
                null,
                null,
                new SqlOutcome.Rows(sent.columns(), List.<Value[]>of(sent.row()), 0, 1, true))));
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] body = bodies.get(random.nextInt(bodies.size())).clone();
            for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
                body[random.nextInt(body.length)] = (byte) random.nextInt();
            }
            byte[] damaged = random.nextInt(4) == 0 ? Arrays.copyOf(body, random.nextInt(body.length)) : body;
            assertThatCode(() -> {
                        try {
                            codec.decodeReply(damaged);
                        } catch (SqlProtocolException refused) {
                            assertThat(refused).hasMessageMatching("(?s).+");
                        }
                    })
                    .as("seed %s, message %s", seed, i)
                    .doesNotThrowAnyException();
        }
    }
}

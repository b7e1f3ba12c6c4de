package io.lockstep.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Names, codes and checksums: what every process must understand in the same way. */
class NamesTest {
    @Test
    void anEntryIsNamedByItsTermAndPosition() {
        Entry entry = new RandomFrames(1).entry();
        assertThat(entry.identity())
                .isEqualTo(new Identity(entry.header().term(), entry.header().position()))
                .hasToString(entry.header().term() + "." + entry.header().position());
        assertThat(entry.position()).isEqualTo(entry.header().position());
    }

    @Test
    void identitiesAreOrderedByTermAndThenByPosition() {
        List<Identity> rising = List.of(Identity.NONE, new Identity(1, 7), new Identity(1, 8), new Identity(2, 3));
        for (int i = 0; i < rising.size(); i++) {
            for (int j = 0; j < rising.size(); j++) {
                Identity left = rising.get(i);
                Identity right = rising.get(j);
                assertThat(Integer.signum(left.compareTo(right))).isEqualTo(Integer.compare(i, j));
                assertThat(left.equals(right)).isEqualTo(i == j);
            }
        }
        assertThat(new Identity(1, 7)).isNotEqualTo("1.7").hasSameHashCodeAs(new Identity(1, 7));
    }

    @Test
    void theNamesOfManySessionsSpreadInATable() {
        Set<Integer> hashes = new HashSet<>();
        for (int position = 1; position <= 10_000; position++) {
            hashes.add(new Identity(1, position).hashCode() & 0xFFFF);
        }
        assertThat(hashes).hasSizeGreaterThan(8_000);
    }

    @Test
    void aProvisionalNameIsNeverThatOfAnEntry() {
        assertThat(Identity.provisional(5)).isEqualTo(new Identity(0, 5));
        assertThat(Identity.provisional(5).isProvisional()).isTrue();
        assertThat(Identity.NONE.isProvisional()).isFalse();
        assertThat(new Identity(1, 5).isProvisional()).isFalse();
    }

    @Test
    void aClientMaySendOnlyWhatIsItsOwn() {
        assertThat(Arrays.stream(RequestKind.values()).filter(kind -> !kind.isFromClient()))
                .containsExactly(
                        RequestKind.VIEW,
                        RequestKind.EXPIRE,
                        RequestKind.EXPIRE_SESSION,
                        RequestKind.EFFECT_STARTED,
                        RequestKind.EFFECT_DONE,
                        RequestKind.MARK,
                        RequestKind.RETRY,
                        RequestKind.GIVE_UP,
                        RequestKind.REPLAN);
    }

    @Test
    void onlyReadsAreNotOrdered() {
        assertThat(Arrays.stream(RequestKind.values()).filter(kind -> !kind.isOrdered()))
                .containsExactly(RequestKind.READ, RequestKind.SQL_READ);
    }

    @Test
    void whatIsWithinATransactionNamesIt() {
        assertThat(Arrays.stream(RequestKind.values()).filter(RequestKind::isWithinTransaction))
                .containsExactly(RequestKind.CONTINUE, RequestKind.END, RequestKind.ROLLBACK);
    }

    @Test
    void anAnswerOfAnEntryIsTheSameForEveryRepeat() {
        assertThat(Arrays.stream(AnswerCode.values()).filter(AnswerCode::isOrdered))
                .containsExactly(
                        AnswerCode.OK,
                        AnswerCode.SERVICE_ERROR,
                        AnswerCode.SERVICE_FAILED,
                        AnswerCode.VOIDED,
                        AnswerCode.QUARANTINED,
                        AnswerCode.TRANSACTION_UNKNOWN,
                        AnswerCode.TRANSACTION_ENDED);
    }

    @Test
    void aCodeThatNobodyHasIsRefused() {
        for (int code : new int[] {-1, 200}) {
            assertThatThrownBy(() -> RequestKind.of(code)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> AnswerCode.of(code)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> Decision.of(code)).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> FrameType.of(code)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void aViewFindsItsBackupsByNameAndByRun() {
        View.Member b = new View.Member("b", 1);
        View view = new View(3, 2, new View.Member("a", 1), List.of(b), List.of(), 0);
        assertThat(view.hasBackup(b)).isTrue();
        assertThat(view.hasBackup(new View.Member("b", 2))).isFalse();
        assertThat(view.hasBackup(view.active())).isFalse();
        assertThat(view.backup("b")).contains(b);
        assertThat(view.backup("a")).isEmpty();
        assertThat(view.toString()).contains("3", "a/1", "b/1");
    }

    /** RFC 3720, appendix B.4. */
    @Test
    void aChecksumIsTheSameHoweverTheBytesLieInMemory() {
        byte[] ones = new byte[32];
        Arrays.fill(ones, (byte) 0xFF);
        byte[] text = "123456789".getBytes(StandardCharsets.UTF_8);
        Checksum checksum = new Checksum();
        ByteBuf parts = Unpooled.wrappedBuffer(
                Unpooled.copiedBuffer(text, 0, 4),
                Unpooled.copiedBuffer(text, 4, 3),
                Unpooled.copiedBuffer(text, 7, 2));
        ByteBuf direct = Unpooled.directBuffer().writeBytes(text);
        for (int i = 0; i < 2; i++) {
            assertThat(checksum.of(Unpooled.wrappedBuffer(ones), 0, 32)).isEqualTo(0x62A8AB43);
            assertThat(checksum.of(parts, 0, 9)).isEqualTo(0xE3069283);
            assertThat(checksum.of(direct, 0, 9)).isEqualTo(0xE3069283);
        }
        direct.release();
    }
}

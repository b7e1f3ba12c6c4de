package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.Identity;
import io.lockstep.wire.RequestKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Old copy or nothing, never a mix. */
class StateCopyTest {
    private StoreDriver source;
    private List<byte[]> pieces;

    @BeforeEach
    void makeACopyOfSeveralPieces() {
        source = StoreDriver.withoutRecords();
        Identity session = source.open();
        for (int i = 0; i < 700; i++) {
            source.begin(session, "put " + "x".repeat(1000));
        }
        source.begin(session, "effect mail");
        pieces = StoreDriver.pieces(source.store.copy());
    }

    @AfterEach
    void close() {
        source.close();
    }

    private static TsdStore install(List<byte[]> pieces) throws CopyBrokenException {
        return StoreDriver.install(pieces, new ShopService(false), new NoRecords());
    }

    @Test
    void comesInPiecesOfBoundedLength() throws Exception {
        assertThat(pieces).hasSizeGreaterThan(3).allMatch(piece -> piece.length <= 256 << 10);
        TsdStore copy = install(pieces);
        assertThat(copy.digest()).isEqualTo(source.store.digest());
        assertThat(copy.transactionCount()).isEqualTo(701);
        assertThat(copy.pendingEffects()).hasSize(1);
    }

    @Test
    void keepsTheMomentWhileTheSourceGoesOn() throws Exception {
        long digest = source.store.digest();
        StateCopy copy = source.store.copy();
        Identity at = source.store.last();
        source.open();
        source.view();
        TsdStore installed = install(StoreDriver.pieces(copy));
        assertThat(installed.last()).isEqualTo(at).isEqualTo(copy.at());
        assertThat(installed.digest()).isEqualTo(digest);
    }

    @Test
    void keepsWhatIsDue() throws Exception {
        TsdStore copy = install(pieces);
        source.pass(Duration.ofMinutes(5));
        assertThat(copy.nextDue(source.timeNs)).isEqualTo(source.due());
        assertThat(copy.nextDue(source.timeNs - 1)).isNull();
    }

    @Test
    void aTruncatedCopyIsRefused() {
        assertThatThrownBy(() -> install(pieces.subList(0, pieces.size() - 1)))
                .isInstanceOf(CopyBrokenException.class)
                .hasMessageContaining("ends early");
        assertThatThrownBy(() -> install(List.of()))
                .isInstanceOf(CopyBrokenException.class)
                .hasMessageContaining("ends early");
    }

    @Test
    void aReorderedCopyIsRefused() {
        List<byte[]> reordered = new ArrayList<>(pieces);
        reordered.add(1, reordered.remove(2));
        assertThatThrownBy(() -> install(reordered))
                .isInstanceOf(CopyBrokenException.class)
                .hasMessageContaining("instead of 1");
    }

    @Test
    void aDamagedPieceIsRefusedWhereverItIsDamaged() {
        for (int i = 0; i < pieces.get(0).length; i += 997) {
            byte[] damaged = pieces.get(0).clone();
            damaged[i] ^= 0x10;
            assertThatThrownBy(() -> install(List.of(damaged))).isInstanceOf(CopyBrokenException.class);
        }
        for (byte[] bad : new byte[][] {{}, {1, 2, 3}, new byte[1 << 20]}) {
            assertThatThrownBy(() -> install(List.of(bad))).isInstanceOf(CopyBrokenException.class);
        }
    }

    @Test
    void piecesOfTwoCopiesDoNotMix() {
        source.send(new Identity(1, 2), RequestKind.CONTINUE, 1, "note changed");
        List<byte[]> mixed = new ArrayList<>(pieces);
        List<byte[]> later = StoreDriver.pieces(source.store.copy());
        mixed.set(0, later.get(0));
        assertThatThrownBy(() -> install(mixed)).isInstanceOf(CopyBrokenException.class);
    }

    @Test
    void anotherServiceOrOtherLimitsAreRefused() {
        TransactionService other = new ForwardingService(new ShopService(false)) {
            @Override
            public String name() {
                return "bank";
            }
        };
        assertThatThrownBy(() -> StoreDriver.install(pieces, other, new NoRecords()))
                .isInstanceOf(CopyBrokenException.class)
                .hasMessageContaining("service is bank here and shop where");
        TsdStoreConfig impatient = TsdStoreConfig.defaults().withIdle(Duration.ofMinutes(1), Duration.ofMinutes(5));
        try (CopyInstaller installer = TsdStore.installer(new ShopService(false), new NoRecords(), impatient)) {
            assertThatThrownBy(() -> installer.accept(pieces.get(0)))
                    .isInstanceOf(CopyBrokenException.class)
                    .hasMessageContaining("sessionIdle");
        }
    }
}

package io.lockstep.tsdstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.lockstep.wire.AnswerCode;
import io.lockstep.wire.Identity;
import io.lockstep.wire.Invariant;
import io.lockstep.wire.Request;
import io.lockstep.wire.RequestKind;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
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

    @Test
    void everyKindOfAnswerAndTheMarkArriveAsTheyAre() throws Exception {
        Identity session = source.open();
        long before = source.begin(session, "put apples");
        assertThat(source.send(session, RequestKind.CONTINUE, before, "refuse pears")
                        .code())
                .isEqualTo(AnswerCode.SERVICE_ERROR);
        assertThat(source.send(session, RequestKind.TOUCH, 0, "").body()).isEmpty();
        MarkedRequest marked = new MarkedRequest(session, 9);
        source.own(RequestKind.MARK, Identity.NONE, 0, EntryBody.ofMark(marked));

        TsdStore copy = install(StoreDriver.pieces(source.store.copy()));

        assertThat(copy.digest()).isEqualTo(source.store.digest());
        assertThat(copy.mark()).isEqualTo(Optional.of(marked));
        for (Request repeat : List.of(
                StoreDriver.request(session, before, RequestKind.BEGIN, 0, 0, before - 1, "put apples"),
                StoreDriver.request(session, before + 1, RequestKind.CONTINUE, before, 0, before, "refuse pears"),
                StoreDriver.request(session, before + 2, RequestKind.TOUCH, 0, 0, before + 1, ""))) {
            assertThat(copy.judge(repeat)).usingRecursiveComparison().isEqualTo(source.store.judge(repeat));
            assertThat(copy.judge(repeat)).isInstanceOf(Ruling.Answered.class);
        }
    }

    @Test
    void whatIsNoItemIsRefused() {
        byte[] head = headContent();
        refused("item of -1 bytes", new byte[] {-1, -1, -1, -1, 0});
        refused("cannot be installed: java.lang.IllegalArgumentException: unknown item 250", item(250, new byte[0]));
        refused("out of place: TERM after null", item(StateTag.TERM.code(), new byte[16]));
        refused("out of place: HEAD after HEAD", item(StateTag.HEAD.code(), head), item(StateTag.HEAD.code(), head));
        refused("item HEAD is longer than its content", item(StateTag.HEAD.code(), joined(head, new byte[1])));
        refused("BufferUnderflowException", item(StateTag.HEAD.code(), Arrays.copyOf(head, 3)));
        byte[] negative = {-1, -1, -1, -1};
        refused("length -1 of 0", item(StateTag.HEAD.code(), joined(Arrays.copyOf(head, 4), negative)));
        refused(
                "comes before its session",
                item(StateTag.HEAD.code(), head),
                item(StateTag.RETAINED.code(), new byte[37]));
        refused(
                "digest is not that of its content",
                item(StateTag.HEAD.code(), head),
                item(StateTag.END.code(), new byte[8]));
    }

    private byte[] headContent() {
        ByteBuffer piece = ByteBuffer.wrap(pieces.get(0)).position(ChunkedCopy.PIECE_HEAD_BYTES);
        byte[] content = new byte[piece.getInt()];
        assertThat(piece.get()).isEqualTo((byte) StateTag.HEAD.code());
        piece.get(content);
        return content;
    }

    private static byte[] item(int tag, byte[] content) {
        return ByteBuffer.allocate(5 + content.length)
                .putInt(content.length)
                .put((byte) tag)
                .put(content)
                .array();
    }

    private static byte[] joined(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static byte[] piece(int index, byte[]... items) {
        byte[] piece = joined(new byte[ChunkedCopy.PIECE_HEAD_BYTES], joined(items));
        ByteBuffer.wrap(piece).putInt(index);
        ByteBuffer.wrap(piece).putInt(Integer.BYTES, ChunkedCopy.checksum(index, piece));
        return piece;
    }

    /** A whole piece with these items is; and nothing is taken after it. */
    private static void refused(String why, byte[]... items) {
        CopyInstaller installer =
                TsdStore.installer(new ShopService(false), new NoRecords(), TsdStoreConfig.defaults());
        assertThatThrownBy(() -> installer.accept(piece(0, items)))
                .isInstanceOf(CopyBrokenException.class)
                .hasMessageContaining(why);
        isOver(installer);
    }

    @Test
    void recordsOfABrokenCopyAreClosed() throws Exception {
        H2Records records = new H2Records();
        CopyInstaller installer = TsdStore.installer(new ShopService(true), records, TsdStoreConfig.defaults());
        assertThatThrownBy(() -> installer.accept(pieces.get(0)))
                .isInstanceOf(CopyBrokenException.class)
                .hasMessageContaining("records is");
        assertThatThrownBy(records::connection).isInstanceOf(SQLException.class);
    }

    private static void isOver(CopyInstaller installer) {
        assertThatThrownBy(() -> installer.accept(new byte[9]))
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("is over");
        assertThatThrownBy(installer::finish)
                .isInstanceOf(Invariant.InvariantBroken.class)
                .hasMessageContaining("is over");
    }

    @Test
    void aCopyThatWasNotFinishedOrHasBeenIsOver() throws Exception {
        for (int taken : new int[] {0, 2, pieces.size()}) {
            CopyInstaller installer =
                    TsdStore.installer(new ShopService(false), new NoRecords(), TsdStoreConfig.defaults());
            for (byte[] piece : pieces.subList(0, taken)) {
                installer.accept(piece);
            }
            if (taken == pieces.size()) {
                assertThat(installer.finish().digest()).isEqualTo(source.store.digest());
            } else {
                assertThatThrownBy(installer::finish)
                        .isInstanceOf(CopyBrokenException.class)
                        .hasMessage("the copy ends early, after piece " + (taken - 1));
            }
            isOver(installer);
        }
    }

    @Test
    void aPieceAfterTheEndIsRefused() throws Exception {
        List<byte[]> longer = new ArrayList<>(pieces);
        longer.add(piece(pieces.size(), item(StateTag.EFFECT.code(), new byte[0])));
        assertThatThrownBy(() -> install(longer))
                .isInstanceOf(CopyBrokenException.class)
                .hasMessageContaining("after END");
    }
}

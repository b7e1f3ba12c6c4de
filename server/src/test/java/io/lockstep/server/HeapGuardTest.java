package io.lockstep.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HeapGuardTest {
    @Test
    void speaksOnceAfterACollectionThatLeftTooMuch() {
        byte[] kept = new byte[32 << 20];
        HeapGuard guard = new HeapGuard(0);
        System.gc();
        assertThat(guard.isShort()).isTrue();
        assertThat(guard.isShort()).isFalse();
        assertThat(kept).hasSize(32 << 20);
    }

    @Test
    void isSilentWhileThereIsRoom() {
        HeapGuard guard = new HeapGuard(100);
        System.gc();
        assertThat(guard.isShort()).isFalse();
    }
}

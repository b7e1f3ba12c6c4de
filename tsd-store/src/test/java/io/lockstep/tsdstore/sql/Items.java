package io.lockstep.tsdstore.sql;

import static org.assertj.core.api.Assertions.assertThat;

import io.lockstep.tsdstore.StateTag;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Items of a copy as text, to show where two copies differ. */
final class Items {
    private static final int SHOWN = 200;

    private Items() {}

    static void assertSame(String name, byte[] actual, byte[] expected) {
        if (Arrays.equals(actual, expected)) {
            return;
        }
        List<String> theirs = shown(actual);
        List<String> ours = shown(expected);
        for (int i = 0; i < Math.min(theirs.size(), ours.size()); i++) {
            int differs =
                    Arrays.mismatch(theirs.get(i).toCharArray(), ours.get(i).toCharArray());
            int from = Math.max(0, differs - SHOWN);
            assertThat(theirs.get(i).substring(from))
                    .as("%s, item %d, from %d", name, i, from)
                    .isEqualTo(ours.get(i).substring(from));
        }
        assertThat(theirs).as(name).hasSameSizeAs(ours);
    }

    private static List<String> shown(byte[] items) {
        List<String> shown = new ArrayList<>();
        ByteBuffer in = ByteBuffer.wrap(items);
        while (in.hasRemaining()) {
            byte[] content = new byte[in.getInt()];
            StateTag tag = StateTag.values()[in.get()];
            in.get(content);
            StringBuilder text = new StringBuilder(tag + " ");
            for (byte each : content) {
                text.append(each >= ' ' && each < 127 ? String.valueOf((char) each) : String.format("~%02x", each));
            }
            shown.add(text.toString());
        }
        return shown;
    }
}

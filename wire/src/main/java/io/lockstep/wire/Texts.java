package io.lockstep.wire;

import io.netty.buffer.ByteBufUtil;

/** Rules for names and texts. Safe from any thread, because it has no state. */
final class Texts {
    private Texts() {}

    /**
     * A name: 1 to {@link Limits#NAME_MAX_BYTES} bytes in UTF-8, without control characters since it goes into logs.
     *
     * @throws IllegalArgumentException when it is not
     */
    static void checkName(String what, String name) {
        int bytes = ByteBufUtil.utf8Bytes(name);
        if (bytes == 0 || bytes > Limits.NAME_MAX_BYTES) {
            throw new IllegalArgumentException(
                    what + " has " + bytes + " bytes in UTF-8; it must have 1 to " + Limits.NAME_MAX_BYTES);
        }
        if (hasControl(name)) {
            throw new IllegalArgumentException(what + " contains a control character");
        }
    }

    /** A text for people, cut between two characters where it is longer than {@link Limits#TEXT_MAX_BYTES} in UTF-8. */
    static String cut(String text) {
        if (text.length() <= Limits.TEXT_MAX_BYTES / 3 || ByteBufUtil.utf8Bytes(text) <= Limits.TEXT_MAX_BYTES) {
            return text;
        }
        int bytes = 0;
        int end = 0;
        while (true) {
            int next = text.offsetByCodePoints(end, 1);
            bytes += ByteBufUtil.utf8Bytes(text, end, next);
            if (bytes > Limits.TEXT_MAX_BYTES) {
                return text.substring(0, end);
            }
            end = next;
        }
    }

    static boolean hasControl(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (Character.isISOControl(name.charAt(i))) {
                return true;
            }
        }
        return false;
    }
}

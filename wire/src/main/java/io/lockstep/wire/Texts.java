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

    static boolean hasControl(String name) {
        for (int i = 0; i < name.length(); i++) {
            if (Character.isISOControl(name.charAt(i))) {
                return true;
            }
        }
        return false;
    }
}

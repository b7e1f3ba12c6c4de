package io.lockstep.membership;

/** Checks of settings, each with a text that says what is wrong and what is allowed. */
final class Checks {
    private static final int NAME_MAX = 64;

    private Checks() {}

    static void name(String what, String value) {
        if (!value.matches("[A-Za-z0-9][A-Za-z0-9._-]*") || value.length() > NAME_MAX) {
            throw new IllegalArgumentException(what + " '" + value + "' must have 1 to " + NAME_MAX
                    + " of the characters A-Z a-z 0-9 . _ - and begin with a letter or digit");
        }
    }

    static void port(String what, int value, int min) {
        if (value < min || value > 65535) {
            throw new IllegalArgumentException(what + " is " + value + ", must be " + min + " to 65535");
        }
    }
}

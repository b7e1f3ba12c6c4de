package io.lockstep.server;

/**
 * A command cannot go on, for a reason that its user should read. Safe from any thread, because it is immutable; the
 * command line prints the text without a stack trace and ends with the code.
 */
public class CommandFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ExitCode exitCode;

    /** @param message what is wrong, why, and what to do */
    public CommandFailure(ExitCode exitCode, String message) {
        super(message);
        this.exitCode = exitCode;
    }

    /** @param message what is wrong, why, and what to do */
    public CommandFailure(ExitCode exitCode, String message, Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
    }

    /** What the process ends with. */
    public ExitCode exitCode() {
        return exitCode;
    }
}

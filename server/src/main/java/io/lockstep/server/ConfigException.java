package io.lockstep.server;

/** A setting is wrong. Safe from any thread, because it is immutable. */
public final class ConfigException extends CommandFailure {
    private static final long serialVersionUID = 1L;

    private final String key;
    private final String complaint;

    /**
     * @param key the setting; empty when the trouble is not with one of them
     * @param complaint what is wrong, with the value, and what is allowed
     */
    ConfigException(String key, String complaint) {
        super(ExitCode.USAGE, complaint);
        this.key = key;
        this.complaint = complaint;
    }

    private ConfigException(String key, String complaint, String place) {
        super(ExitCode.USAGE, place + ": " + complaint);
        this.key = key;
        this.complaint = complaint;
    }

    /** The setting; empty when the trouble is not with one of them. */
    public String key() {
        return key;
    }

    /** The same, naming where it was read. */
    ConfigException at(String place) {
        return new ConfigException(key, complaint, place);
    }
}

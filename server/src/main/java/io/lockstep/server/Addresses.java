package io.lockstep.server;

import java.net.InetSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Addresses as texts, host:port. Safe from any thread, because it holds nothing. */
final class Addresses {
    private static final Pattern ADDRESS = Pattern.compile("(.+):([0-9]{1,5})");

    private Addresses() {}

    /** The address that a text means. @throws CommandFailure (usage) when it means none */
    static InetSocketAddress of(String text) {
        Matcher matcher = ADDRESS.matcher(text.strip());
        if (matcher.matches()) {
            int port = Integer.parseInt(matcher.group(2));
            if (port >= 1 && port <= 65_535) {
                return new InetSocketAddress(matcher.group(1), port);
            }
        }
        throw new CommandFailure(
                ExitCode.USAGE, "'" + text + "' is no address; allowed: host:port with a port from 1 to 65535");
    }

    static String text(InetSocketAddress address) {
        return address.getHostString() + ":" + address.getPort();
    }
}

package io.lockstep.jdbc;

import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * What a URL and its properties ask for: {@code jdbc:lockstep://host[:port][,host[:port]…]/database[?name=value&…]} with
 * the addresses of distributors, or {@code jdbc:lockstep:nodes://host:port[,host:port…]/database[?…]} with those of nodes.
 * Immutable.
 *
 * @param url as it was given, without what stands after {@code ?}
 * @param isNodes whether the addresses are those of nodes, which are reached without a distributor
 * @param addresses in the order in which they are tried; not resolved
 * @param database name of the logical database
 * @param values of the properties that were given, checked
 */
record LockstepUrl(
        String url,
        boolean isNodes,
        List<InetSocketAddress> addresses,
        String database,
        Map<DriverProperty, String> values) {
    static final String PREFIX = "jdbc:lockstep:";
    private static final String NETWORK_PREFIX = PREFIX + "//";
    private static final String NODES_PREFIX = PREFIX + "nodes://";
    /** The same two, with the product in them: how metadata tells a URL. */
    private static final String PRODUCT_PREFIX = PREFIX + "h2:";

    /** A distributor's; a node has none. */
    private static final int PORT_DEFAULT = 7400;

    private static final int NO_PORT = 0;
    private static final String SHAPE = "jdbc:lockstep://host[:port][,host[:port]…]/database[?name=value&…]";

    static boolean isOurs(@Nullable String url) {
        return url != null && url.startsWith(PREFIX);
    }

    /** @throws SQLException something is malformed or unknown; the text names it */
    static LockstepUrl parse(String asked, @Nullable Properties given) throws SQLException {
        String url = asked.startsWith(PRODUCT_PREFIX) ? PREFIX + asked.substring(PRODUCT_PREFIX.length()) : asked;
        boolean isNodes = url.startsWith(NODES_PREFIX);
        if (!isNodes && !url.startsWith(NETWORK_PREFIX)) {
            throw malformed(url, "it does not begin with " + NETWORK_PREFIX + " or " + NODES_PREFIX);
        }
        int hostsAt = (isNodes ? NODES_PREFIX : NETWORK_PREFIX).length();
        Map<DriverProperty, String> values = new EnumMap<>(DriverProperty.class);
        if (given != null) {
            for (String name : given.stringPropertyNames()) {
                DriverProperty property = DriverProperty.of(name);
                values.put(property, property.checked(given.getProperty(name)));
            }
        }
        int question = url.indexOf('?');
        String place = question < 0 ? url : url.substring(0, question);
        if (place.indexOf(';') >= 0) {
            String rest = place.substring(place.indexOf(';') + 1);
            throw malformed(
                    place.substring(0, place.indexOf(';')) + ";…",
                    "settings are written as ?name=value&…, not after a semicolon" + meant(rest));
        }
        if (question >= 0) {
            for (String pair : url.substring(question + 1).split("&")) {
                if (!pair.isEmpty()) {
                    take(pair, values);
                }
            }
        }
        int slash = place.indexOf('/', hostsAt);
        if (slash < 0 || slash == place.length() - 1) {
            throw malformed(place, "it names no database");
        }
        String database = decoded(place.substring(slash + 1));
        if (database.indexOf('/') >= 0) {
            throw malformed(place, "a database's name has no \"/\"");
        }
        return new LockstepUrl(
                place,
                isNodes,
                addresses(place, place.substring(hostsAt, slash), isNodes ? NO_PORT : PORT_DEFAULT),
                database,
                Map.copyOf(values));
    }

    /** H2's way of writing settings names one that is known here, or gives a reason. */
    private static String meant(String settings) throws SQLException {
        int end = settings.indexOf('=');
        if (end > 0) {
            DriverProperty property = DriverProperty.of(settings.substring(0, end));
            return ": ?" + property.key() + "=…";
        }
        return "";
    }

    private static void take(String pair, Map<DriverProperty, String> values) throws SQLException {
        int equals = pair.indexOf('=');
        String name = decoded(equals < 0 ? pair : pair.substring(0, equals));
        DriverProperty property = DriverProperty.of(name);
        if (equals < 0) {
            throw SqlState.INVALID_PROPERTY.exception(
                    "property " + name + " has no value; write " + name + "=…, " + property.range());
        }
        values.put(property, property.checked(decoded(pair.substring(equals + 1))));
    }

    private static List<InetSocketAddress> addresses(String url, String hosts, int portDefault) throws SQLException {
        List<InetSocketAddress> addresses = new ArrayList<>();
        for (String host : hosts.split(",", -1)) {
            addresses.add(address(url, host, portDefault));
        }
        return List.copyOf(addresses);
    }

    private static InetSocketAddress address(String url, String host, int portDefault) throws SQLException {
        int bracket = host.lastIndexOf(']');
        int colon = host.indexOf(':', Math.max(bracket, 0));
        if (bracket < 0 && colon >= 0 && host.indexOf(':', colon + 1) >= 0) {
            throw malformed(url, "write the address " + host + " in brackets, as [::1]:7400");
        }
        String name = colon < 0 ? host : host.substring(0, colon);
        if (name.startsWith("[") && name.endsWith("]")) {
            name = name.substring(1, name.length() - 1);
        }
        if (name.isEmpty()) {
            throw malformed(url, "a host is missing");
        }
        int port = portDefault;
        if (colon < 0 && port == NO_PORT) {
            throw malformed(url, "the address " + host + " has no port, and nodes have no usual one");
        }
        if (colon >= 0) {
            String digits = host.substring(colon + 1);
            try {
                port = Integer.parseInt(digits);
            } catch (NumberFormatException e) {
                port = 0;
            }
            if (port < 1 || port > 65_535) {
                throw malformed(url, "port \"" + digits + "\" is none; it must be 1 to 65535");
            }
        }
        return InetSocketAddress.createUnresolved(name, port);
    }

    private static String decoded(String text) throws SQLException {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw SqlState.INVALID_PROPERTY.exception("\"" + text + "\" is not encoded as a URL is: " + e.getMessage());
        }
    }

    private static SQLException malformed(String url, String why) {
        return SqlState.INVALID_PROPERTY.exception("malformed URL \"" + url + "\": " + why + "; a URL is " + SHAPE);
    }

    /** Of this database too; what chooses a dialect by {@code :h2:} in a URL, as jOOQ does, needs not be told. */
    String withProduct() {
        return PRODUCT_PREFIX + url.substring(PREFIX.length());
    }

    String get(DriverProperty property) {
        return property.get(values);
    }

    int getNumber(DriverProperty property) {
        return property.getNumber(values);
    }
}

package io.lockstep.server.drill;

import io.lockstep.server.CommandFailure;
import io.lockstep.server.ExitCode;
import io.lockstep.server.Places;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A network namespace for each process of a drill, all on one bridge, and rules on the bridge that lose what one says to
 * another. Touched by the drill's thread.
 *
 * <p>The yard is a network namespace itself, with a mount namespace, in which the command runs once more ({@link #enter}):
 * so nothing of it is seen outside, two of them never meet, and the kernel takes everything down when the last process has
 * ended, however it ended. Root is not needed where the kernel lets users have namespaces.
 *
 * <p>Processes listen on loopback addresses only, since they neither encrypt nor authenticate. The addresses of the yard
 * are such addresses, which its kernel is told to route from one namespace to another.
 */
final class Yard implements Places {
    private static final String INSIDE = "lockstep.yard";
    private static final String BRIDGE = "yard";
    private static final String NETWORK = "127.9.0.";
    private static final int FIRST_ADDRESS = 10;
    private static final long COMMAND_LIMIT_SECONDS = 20;
    private static final long END_LIMIT_SECONDS = 10;

    /** Names of namespaces are files, and those of the yard must not be seen outside. */
    private static final String PREPARE = """
            set -e
            mkdir -p /run/netns 2> /dev/null || { mount -t tmpfs tmpfs /run; mkdir /run/netns; }
            mount -t tmpfs tmpfs /run/netns
            ip link set lo up
            """;

    private final Map<String, Place> places = new LinkedHashMap<>();

    /** Makes bridge and rules. @throws CommandFailure (failed) when the kernel refuses */
    Yard() {
        run("ip", "link", "add", BRIDGE, "type", "bridge");
        run("ip", "address", "add", NETWORK + "1/24", "dev", BRIDGE);
        run("ip", "link", "set", BRIDGE, "up");
        routeLoopback(BRIDGE, List.of());
        run("nft", "add table bridge lockstep");
        run("nft", "add chain bridge lockstep links { type filter hook forward priority 0; }");
    }

    // ---- in and out of it -----------------------------------------------------------------------------------------

    /** Whether this process runs in a yard. */
    static boolean isInside() {
        return Boolean.getBoolean(INSIDE);
    }

    /** What keeps this machine from having a yard, named; empty when nothing does. */
    static Optional<String> missing() {
        for (String tool : List.of("unshare", "nsenter", "ip", "tc", "nft")) {
            if (find(tool).isEmpty()) {
                return Optional.of("the program " + tool + " (Debian: util-linux, iproute2, nftables)");
            }
        }
        String trial = PREPARE + """
                ip netns add trial
                ip link add yard type bridge
                ip link add trial type veth peer name eth0 netns trial
                nft add table bridge lockstep
                nft 'add chain bridge lockstep links { type filter hook forward priority 0; }'
                nft add rule bridge lockstep links iifname a oifname b numgen random mod 100 '<' 20 drop
                tc qdisc add dev trial root tbf rate 64kbit burst 4kb latency 1s
                """;
        List<String> command = new ArrayList<>(unshare());
        command.addAll(List.of("sh", "-c", trial));
        Ended ended = ended(command);
        return ended.exit == 0
                ? Optional.empty()
                : Optional.of("of the kernel: network namespaces, veth, bridges, nftables for bridges, or tbf: "
                        + ended.said.strip());
    }

    /**
     * Runs the same command line once more in a yard of its own, with our standard output and error.
     *
     * @param arguments of the command line
     * @return its exit code
     * @throws CommandFailure (refused) when something is missing on this machine; it is named
     */
    static int enter(List<String> arguments) throws InterruptedException, IOException {
        Optional<String> missing = missing();
        if (missing.isPresent()) {
            throw new CommandFailure(
                    ExitCode.REFUSED,
                    "links can be cut in network namespaces only, and here is missing " + missing.get());
        }
        List<String> command = new ArrayList<>(unshare());
        command.addAll(List.of("sh", "-c", PREPARE + "exec \"$@\"", "yard"));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.add("-D" + INSIDE + "=true");
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.add("io.lockstep.server.Main");
        command.addAll(arguments);
        // Its standard input is ours: that ends when we do, however we do, and then it ends too.
        Process inside = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try {
            return inside.waitFor();
        } catch (InterruptedException e) {
            inside.toHandle().destroy();
            if (!inside.waitFor(END_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                inside.toHandle().destroyForcibly();
            }
            throw e;
        }
    }

    /** Ends this process as TERM does when the one that let it in has ended. */
    static void endWithParent() {
        Thread watcher = new Thread(
                () -> {
                    try {
                        while (System.in.read() >= 0) {
                            Thread.onSpinWait(); // nobody writes there
                        }
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    } finally {
                        System.exit(ExitCode.INTERRUPTED.code());
                    }
                },
                "watch-parent");
        watcher.setDaemon(true);
        watcher.start();
    }

    private static List<String> unshare() {
        boolean isRoot = "root".equals(System.getProperty("user.name"));
        return isRoot
                ? List.of("unshare", "--net", "--mount")
                : List.of("unshare", "--map-root-user", "--net", "--mount");
    }

    // ---- places ---------------------------------------------------------------------------------------------------

    @Override
    public Place of(String name) {
        Place known = places.get(name);
        if (known != null) {
            return known;
        }
        String host = NETWORK + (FIRST_ADDRESS + places.size());
        List<String> inside = List.of("nsenter", "--net=/run/netns/" + name);
        run("ip", "netns", "add", name);
        run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name);
        run("ip", "link", "set", name, "master", BRIDGE, "up");
        run("ip", "-n", name, "link", "set", "lo", "up");
        run("ip", "-n", name, "address", "add", host + "/24", "dev", "eth0");
        run("ip", "-n", name, "link", "set", "eth0", "up");
        routeLoopback("eth0", inside);
        Place place = new Place(host, inside);
        places.put(name, place);
        return place;
    }

    /** The yard's addresses are loopback addresses: there is nothing to be reached by them but the yard. */
    private static void routeLoopback(String device, List<String> inside) {
        List<String> allow = new ArrayList<>(inside);
        allow.addAll(List.of("sysctl", "-qw"));
        allow.add("net.ipv4.conf.all.route_localnet=1");
        allow.add("net.ipv4.conf." + device + ".route_localnet=1");
        run(allow.toArray(String[]::new));
        List<String> route = new ArrayList<>(inside);
        route.addAll(List.of("ip", "route", "add", NETWORK + "0/24", "dev", device, "table", "local"));
        run(route.toArray(String[]::new));
    }

    // ---- links ----------------------------------------------------------------------------------------------------

    /** From now on nothing of what one says arrives at the other; nobody is told. */
    void lose(String from, String to) {
        run("nft", "add rule bridge lockstep links iifname \"" + from + "\" oifname \"" + to + "\" drop");
    }

    /** From now on so many of a hundred packets between any two processes are lost; clients lose none. */
    void lose(int percent) {
        run("nft", "add rule bridge lockstep links numgen random mod 100 < " + percent + " drop");
    }

    /** From now on no more than that reaches a process, from whomever. */
    void slow(String to, int kilobits) {
        run("tc", "qdisc", "add", "dev", to, "root", "tbf", "rate", kilobits + "kbit", "burst", "4kb", "latency", "2s");
    }

    /** Everything that is said arrives again, as fast as ever. */
    void heal() {
        run("nft", "flush chain bridge lockstep links");
        for (String name : places.keySet()) {
            // Exit code 2: it was not slow.
            ended(List.of("tc", "qdisc", "delete", "dev", name, "root"));
        }
    }

    // ---- commands -------------------------------------------------------------------------------------------------

    private record Ended(int exit, String said) {}

    private static void run(String... command) {
        Ended ended = ended(List.of(command));
        if (ended.exit != 0) {
            throw new CommandFailure(
                    ExitCode.FAILED,
                    "'" + String.join(" ", command) + "' ended with " + ended.exit + ": " + ended.said.strip());
        }
    }

    private static Ended ended(List<String> command) {
        List<String> found = new ArrayList<>(command);
        found.set(0, find(command.get(0)).map(Path::toString).orElse(command.get(0)));
        try {
            Process process =
                    new ProcessBuilder(found).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(COMMAND_LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                return new Ended(-1, "no end after " + COMMAND_LIMIT_SECONDS + " s; " + said);
            }
            return new Ended(process.exitValue(), said);
        } catch (IOException e) {
            return new Ended(-1, e.toString());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CommandFailure(ExitCode.INTERRUPTED, "interrupted while working on the network", e);
        }
    }

    /** Administrators' programs are not on everybody's path. */
    private static Optional<Path> find(String tool) {
        String path = System.getenv().getOrDefault("PATH", "") + ":/usr/sbin:/sbin";
        for (String folder : path.split(":")) {
            Path file = Path.of(folder, tool);
            if (!folder.isEmpty() && Files.isExecutable(file)) {
                return Optional.of(file);
            }
        }
        return Optional.empty();
    }
}

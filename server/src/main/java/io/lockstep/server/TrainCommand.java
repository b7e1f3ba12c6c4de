package io.lockstep.server;

import io.lockstep.tsdstore.TransactionService;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;

/**
 * Starts a node and a distributor within this JVM, asks them how they are, and ends them: so that an archive of class
 * data, which the JVM writes at its end, holds what every process loads. The script {@code lockstep} calls it once for
 * each build and JVM. Runs on the main thread.
 */
@Command(
        name = "train",
        hidden = true,
        mixinStandardHelpOptions = true,
        header = "Loads what every process loads, for the archive that -XX:ArchiveClassesAtExit writes.")
final class TrainCommand implements Callable<Integer> {
    private static final String NODE = "train-node";
    private static final String DISTRIBUTOR = "train-distributor";

    @Override
    public Integer call() throws Exception {
        Path directory = Files.createTempDirectory("lockstep-train");
        List<Integer> ports = Cluster.freePorts(2);
        ProcessShell node = ProcessShell.within(config(NODE, ProcessRole.NODE, directory, ports));
        ProcessShell distributor = ProcessShell.within(config(DISTRIBUTOR, ProcessRole.DISTRIBUTOR, directory, ports));
        try {
            distributor.start(new DistributorProcess());
            node.start(new NodeProcess());
            String address = "127.0.0.1:" + distributor.port("client");
            PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
            for (String form : List.of("text", "json")) {
                Main.run(new String[] {"status", "--connect", address, "-o", form}, nowhere, nowhere);
                Main.run(new String[] {"pid", "active", "--connect", address, "-o", form}, nowhere, nowhere);
            }
            Main.run(new String[] {"drill", "--help"}, nowhere, nowhere);
        } finally {
            distributor.closeParts();
            node.closeParts();
            delete(directory);
        }
        return ExitCode.DONE.code();
    }

    private static LockstepConfig config(String name, ProcessRole role, Path directory, List<Integer> ports) {
        Map<String, Object> settings = new HashMap<>();
        settings.put(Setting.NAME.key(), name);
        settings.put(Setting.ROLE.key(), Setting.word(role));
        settings.put(
                Setting.SERVICE.key(),
                ServiceLoader.load(TransactionService.class)
                        .findFirst()
                        .map(TransactionService::name)
                        .orElse(""));
        settings.put(Setting.DIRECTORY.key(), directory.resolve(name).toString());
        settings.put(Setting.NODES.key(), List.of(NODE));
        settings.put(Setting.VOTERS.key(), List.of(NODE));
        settings.put(Setting.CLIENT_PORT.key(), "0");
        int own = ports.get(role == ProcessRole.NODE ? 0 : 1);
        settings.put(Setting.HAZELCAST_PORT.key(), Integer.toString(own));
        settings.put(
                Setting.HAZELCAST_MEMBERS.key(),
                ports.stream().map(port -> "127.0.0.1:" + port).toList());
        return LockstepConfig.of(settings);
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }
}

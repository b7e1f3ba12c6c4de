package io.lockstep.tests.onejvm;

import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.lockstep.membership.Members;
import io.lockstep.server.ClusterStatus;
import io.lockstep.server.LockstepConfig;
import io.lockstep.server.Node;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** One node of a drill, over all its runs. Used by the test's thread only. */
final class NodeActor {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Drill drill;
    private final String name;
    private final Path file;
    private final String settings;
    private TallyService service = new TallyService();
    private @Nullable Node node;
    private Gate agentGate = new Gate();

    NodeActor(Drill drill, String name, Path folder, String settings) {
        this.drill = drill;
        this.name = name;
        this.file = folder.resolve(name + ".yaml");
        this.settings = "name: " + name + "\nrole: node\ndirectory: '" + folder.resolve(name) + "'\n" + settings;
        configure("");
    }

    /** Its next run has these settings beside the drill's, one per line. */
    void configure(String more) {
        try {
            Files.writeString(file, settings + more);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    String name() {
        return name;
    }

    boolean isAlive() {
        return node != null;
    }

    /** Begins another run, with the same folder. */
    void start() {
        service = new TallyService();
        agentGate = new Gate();
        try {
            Node begun = new Node(
                    LockstepConfig.read(file),
                    ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE),
                    service,
                    Map.of(),
                    new OneJvm());
            Members members = drill.wiring().members(begun.endpoint(), agentGate);
            node = begun;
            begun.join(members);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        drill.say(name + " begins a run");
    }

    // ---- what can be done to it ------------------------------------------------------------------------------------

    /** What kill -9 does: from this moment nothing that it says is heard, and its ports refuse. */
    void kill() {
        drill.say(name + " is killed");
        drill.wiring().tearOff(name);
        end();
    }

    /**
     * What the loss of its host does: nothing that it says is heard any more, and nobody is told.
     *
     * @return delivers at last what it had said
     */
    Runnable vanish() {
        drill.say(name + " vanishes");
        List<Way> left = drill.wiring().leaveBehind(name);
        end();
        return () -> {
            drill.say("what " + name + " had said arrives");
            left.forEach(Way::heal);
        };
    }

    private void end() {
        Node ended = node;
        node = null;
        service.release();
        agentGate.open();
        if (ended != null) {
            ended.close();
        }
    }

    /**
     * As SIGSTOP or a long collection does: its agent stands still, and nothing leaves or reaches it.
     *
     * @return what lets it go on
     */
    Runnable pause() {
        agentGate.close();
        agentGate.awaitSomebody();
        List<Way> frozen = drill.wiring().waysOf(name);
        frozen.forEach(Way::cut);
        drill.say(name + " is paused");
        return () -> {
            drill.say(name + " goes on");
            frozen.forEach(Way::heal);
            agentGate.open();
        };
    }

    TallyService service() {
        return service;
    }

    // ---- what is to be seen of it ----------------------------------------------------------------------------------

    ClusterStatus.NodeStatus status() {
        Node seen = node;
        if (seen == null) {
            throw new AssertionError(name + " does not run");
        }
        try {
            String json = seen.status();
            return JSON.readValue(
                    json.equals("{}") ? "{\"name\":\"" + name + "\",\"role\":\"NONE\",\"state\":\"STARTING\"}" : json,
                    ClusterStatus.NodeStatus.class);
        } catch (JsonProcessingException e) {
            throw new AssertionError(e);
        }
    }

    void awaitStatus(Predicate<ClusterStatus.NodeStatus> condition) {
        await().atMost(Drill.LIMIT).pollInterval(Drill.LOOK).until(() -> condition.test(status()));
    }

    @Override
    public String toString() {
        return name;
    }

    /** In one JVM, a node that cannot go on is cut off instead of ending the process. */
    private final class OneJvm implements Node.Surroundings {
        @Override
        public long pid() {
            return ProcessHandle.current().pid();
        }

        @Override
        public void end(String reason) {
            drill.died(name, reason);
        }

        @Override
        public void halt() {
            drill.died(name, "its agent has ended it");
            drill.wiring().tearOff(name);
        }
    }
}

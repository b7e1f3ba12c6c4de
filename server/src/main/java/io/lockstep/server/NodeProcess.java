package io.lockstep.server;

import io.lockstep.activenode.ActiveNodeConfig;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.HazelcastMembers;
import io.lockstep.membership.MembershipConfig;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.Recording;
import io.lockstep.tsdstore.TransactionService;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.jspecify.annotations.Nullable;

/** Assembles one node: register, network, membership and the agent that holds the role. Runs on the main thread. */
final class NodeProcess implements ProcessShell.Role {
    /** A message at its longest, with its header and the frame around it. */
    private static final int FRAME_MARGIN_BYTES = 64 << 10;

    @Override
    public void start(LockstepConfig config, ProcessShell shell) throws Exception {
        TransactionService service = service(config.service());
        Path directory = Files.createDirectories(config.directory());
        SecureRandom random = new SecureRandom();
        Peer self = new Peer(config.name(), Peer.Role.NODE, shell.incarnation());
        TransportConfig defaults = TransportConfig.defaults(config.cluster(), self);
        int frameBytes = Math.max(defaults.maxFrameBytes(), config.limits().messageMaxBytes() + FRAME_MARGIN_BYTES);
        Transport transport = new Transport(new TransportConfig(
                config.cluster(),
                self,
                frameBytes,
                defaults.handshakeLimit(),
                config.limits().connectionsMax(),
                Math.max(defaults.outboundBufferMaxBytes(), 2 * frameBytes)));
        shell.closeAtEnd(transport);
        RegisterAgent register = null;
        if (config.isVoter()) {
            register = RegisterAgent.start(
                    config.name(),
                    directory.resolve("register"),
                    () -> random.nextLong() >>> 1 | 1,
                    failure -> shell.end(ExitCode.INTERNAL, "the view register's file failed: " + failure));
            shell.closeAtEnd(register);
        }
        Recording recording = recording(config);
        NodeAgent agent = new NodeAgent(config, shell, transport, register, service, runners(), recording);
        int port = transport
                .listen(new InetSocketAddress(config.host(), config.peerPort()), agent.listener())
                .getPort();
        if (recording != null) {
            shell.closeAtEnd(recording);
        }
        HazelcastMembers members = HazelcastMembers.start(
                membership(config),
                new Endpoint(config.name(), Peer.Role.NODE, shell.incarnation(), shell.pid(), config.host(), port, 0));
        shell.closeAtEnd(members);
        shell.closeAtEnd(agent::close);
        Rehearsal.play(ActiveNodeConfig.withFailureDetection(config.failureDetection()));
        agent.start(port, members);
        members.whenReady().toCompletableFuture().join();
        shell.ready(Map.of("peer", port));
    }

    private static @Nullable Recording recording(LockstepConfig config) throws IOException {
        return config.recordEntries().isPresent()
                ? Recording.create(config.recordEntries().get())
                : null;
    }

    static MembershipConfig membership(LockstepConfig config) {
        return new MembershipConfig(
                config.cluster(),
                config.name(),
                config.voters(),
                config.host(),
                config.hazelcastPort(),
                config.hazelcastMembers(),
                config.failureDetection());
    }

    private static TransactionService service(String name) {
        List<TransactionService> found = new ArrayList<>();
        ServiceLoader.load(TransactionService.class).forEach(found::add);
        List<String> names = found.stream().map(TransactionService::name).toList();
        if (name.isEmpty() && found.size() == 1) {
            return found.get(0);
        }
        return found.stream()
                .filter(each -> each.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new ConfigException(
                        Setting.SERVICE.key(),
                        name.isEmpty()
                                ? "no service is named, and the class path has " + names + "; name one of them"
                                : "service is '" + name + "', but the class path has " + names
                                        + "; a service is found by its file META-INF/services/"
                                        + TransactionService.class.getName()));
    }

    private static Map<String, EffectRunner> runners() {
        Map<String, EffectRunner> runners = new HashMap<>();
        for (EffectRunner runner : ServiceLoader.load(EffectRunner.class)) {
            if (runners.putIfAbsent(runner.name(), runner) != null) {
                throw new IllegalStateException("two EffectRunners are named '" + runner.name() + "'");
            }
        }
        return runners;
    }
}

package io.lockstep.server;

import io.lockstep.distributor.Distributor;
import io.lockstep.distributor.DistributorConfig;
import io.lockstep.distributor.DistributorCore;
import io.lockstep.distributor.DistributorHooks;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.HazelcastMembers;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.wire.Peer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One distributor as a process: members, the register's voter where this process is one, the distributor itself. Built
 * by the main thread; afterwards every part has threads of its own.
 */
final class DistributorProcess implements ProcessShell.Role {
    @Override
    public void start(LockstepConfig config, ProcessShell shell) throws IOException {
        Endpoint unbound = new Endpoint(
                config.name(),
                Peer.Role.DISTRIBUTOR,
                shell.incarnation(),
                shell.pid(),
                config.host(),
                config.hazelcastPort(),
                0);
        HazelcastMembers members = HazelcastMembers.start(NodeProcess.membership(config), unbound);
        shell.closeAtEnd(members);
        members.whenReady().whenComplete((joined, failure) -> {
            if (failure != null) {
                shell.end(ExitCode.FAILED, "cannot join the other members: " + failure);
            }
        });
        DistributorHooks.Voter voter = config.isVoter()
                ? voter(config, shell)
                : DistributorHooks.none().voter();
        AtomicReference<@Nullable Distributor> running = new AtomicReference<>();
        DistributorHooks hooks = new DistributorHooks(
                question -> answer(question, config, members, running.get()),
                voter,
                failure -> shell.end(ExitCode.INTERNAL, "the distributor has failed: " + failure));
        Distributor distributor = new Distributor(settings(config), shell.incarnation(), members, hooks);
        shell.closeAtEnd(distributor);
        running.set(distributor);
        int port = Objects.requireNonNull(distributor.clientAddress()).getPort();
        members.publish(new Endpoint(
                config.name(), Peer.Role.DISTRIBUTOR, shell.incarnation(), shell.pid(), config.host(), port, port));
        shell.ready(Map.of("client", port, "hazelcast", config.hazelcastPort()));
    }

    private static DistributorConfig settings(LockstepConfig config) {
        return DistributorConfig.builder(config.name())
                .cluster(config.cluster())
                .listen(new InetSocketAddress(config.host(), config.clientPort()))
                .held(config.limits().heldMessagesMax(), config.limits().heldBytes())
                .sessionGrace(config.limits().sessionGrace())
                .connections(
                        config.limits().connectionsMax(),
                        Math.max(1, config.limits().connectionsMax() / 2))
                .build();
    }

    private static DistributorHooks.Voter voter(LockstepConfig config, ProcessShell shell) throws IOException {
        Path file = config.registerFile();
        Files.createDirectories(config.directory());
        RegisterAgent agent = RegisterAgent.start(
                config.name(),
                file,
                new SecureRandom()::nextLong,
                failure -> shell.end(ExitCode.FAILED, "the voter has failed: " + failure));
        shell.closeAtEnd(agent);
        return agent::submit;
    }

    private static String answer(
            String question, LockstepConfig config, HazelcastMembers members, @Nullable Distributor distributor) {
        if (question.equals(AdminClient.COUNTERS) && distributor != null) {
            return counters(distributor.snapshot());
        }
        if (!question.equals(AdminClient.STATUS)) {
            return StatusPage.json(Map.of(
                    "error",
                    "unknown question '" + question + "'; allowed: " + AdminClient.STATUS + ", "
                            + AdminClient.COUNTERS));
        }
        if (distributor == null) {
            return StatusPage.json(StatusPage.of(config, 0, null, members));
        }
        DistributorCore.Snapshot known = distributor.snapshot();
        return StatusPage.json(StatusPage.of(config, known.term(), known.active(), members));
    }

    private static String counters(DistributorCore.Snapshot known) {
        return StatusPage.json(Map.of(
                "staleFrames", known.staleFrames(),
                "staleAnswers", known.staleAnswers(),
                "busyAnswers", known.busyAnswers(),
                "sessions", known.sessions(),
                "heldRequests", known.heldRequests()));
    }
}

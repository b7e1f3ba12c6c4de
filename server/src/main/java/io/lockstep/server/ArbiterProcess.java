package io.lockstep.server;

import io.lockstep.membership.Endpoint;
import io.lockstep.membership.HazelcastMembers;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.wire.Peer;
import io.lockstep.wire.Transport;
import io.lockstep.wire.TransportConfig;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.security.SecureRandom;
import java.util.Map;

/**
 * Assembles one arbiter: the register's file and voter, network, membership; no lane, no copy of the database. Runs on
 * the main thread; afterwards every part has a thread of its own.
 */
final class ArbiterProcess implements ProcessShell.Role {
    @Override
    public void start(LockstepConfig config, ProcessShell shell) throws IOException {
        Files.createDirectories(config.directory());
        Peer self = new Peer(config.name(), Peer.Role.ARBITER, shell.incarnation());
        Transport transport = new Transport(TransportConfig.defaults(config.cluster(), self));
        shell.closeAtEnd(transport);
        SecureRandom random = new SecureRandom();
        RegisterAgent register = RegisterAgent.start(
                config.name(),
                config.registerFile(),
                random::nextLong,
                failure -> shell.end(ExitCode.FAILED, "the view register's file failed: " + failure));
        shell.closeAtEnd(register);
        ArbiterAgent agent = new ArbiterAgent(
                config,
                self,
                transport,
                register,
                failure -> shell.end(ExitCode.INTERNAL, "the arbiter has failed: " + failure));
        int port = transport
                .listen(new InetSocketAddress(config.host(), config.peerPort()), agent.listener())
                .getPort();
        HazelcastMembers members = HazelcastMembers.start(
                NodeProcess.membership(config),
                new Endpoint(
                        config.name(), Peer.Role.ARBITER, shell.incarnation(), shell.pid(), config.host(), port, 0));
        shell.closeAtEnd(members);
        shell.closeAtEnd(agent::close);
        agent.start(port, members);
        members.whenReady().toCompletableFuture().join();
        shell.ready(Map.of("peer", port));
    }
}

package io.lockstep.server;

import io.lockstep.activenode.ActiveNodeConfig;
import io.lockstep.membership.HazelcastMembers;
import io.lockstep.membership.MembershipConfig;
import io.lockstep.tsdstore.EffectRunner;
import io.lockstep.tsdstore.TransactionService;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;

/** One node as a process: finds the service, the other members and whoever watches. Runs on the main thread. */
final class NodeProcess implements ProcessShell.Role {
    @Override
    public void start(LockstepConfig config, ProcessShell shell) throws Exception {
        Node node =
                new Node(config, shell.incarnation(), service(config.service()), runners(), new Node.Surroundings() {
                    @Override
                    public long pid() {
                        return shell.pid();
                    }

                    @Override
                    public void end(String reason) {
                        shell.end(ExitCode.FAILED, reason);
                    }

                    @Override
                    public void halt() {
                        Runtime.getRuntime().halt(ExitCode.INTERNAL.code());
                    }
                });
        shell.onError(node::failed);
        HazelcastMembers members = HazelcastMembers.start(membership(config), node.endpoint());
        shell.closeAtEnd(members);
        shell.closeAtEnd(node);
        Rehearsal.play(ActiveNodeConfig.withFailureDetection(config.failureDetection()));
        node.join(members);
        members.whenReady().toCompletableFuture().join();
        shell.ready(Map.of("peer", node.endpoint().peerPort()));
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

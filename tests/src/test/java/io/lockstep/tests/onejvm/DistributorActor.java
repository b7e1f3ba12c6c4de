package io.lockstep.tests.onejvm;

import io.lockstep.distributor.Distributor;
import io.lockstep.distributor.DistributorConfig;
import io.lockstep.distributor.DistributorHooks;
import io.lockstep.membership.Endpoint;
import io.lockstep.membership.RegisterAgent;
import io.lockstep.wire.Peer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** One distributor of a drill. Used by the test's thread only. */
final class DistributorActor {
    private final Drill drill;
    private final String name;
    private final Distributor distributor;
    private final @Nullable RegisterAgent register;
    private boolean isAlive = true;

    DistributorActor(Drill drill, String name, Path folder, boolean isVoter, Duration sessionGrace) {
        this.drill = drill;
        this.name = name;
        long incarnation = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE);
        try {
            Files.createDirectories(folder.resolve(name));
            register = isVoter
                    ? RegisterAgent.start(
                            name,
                            folder.resolve(name).resolve("register"),
                            () -> ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE),
                            failure -> drill.died(name, failure.toString()))
                    : null;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        RegisterAgent voter = register;
        DistributorHooks hooks = new DistributorHooks(
                question -> "{}",
                voter == null ? DistributorHooks.none().voter() : voter::submit,
                failure -> drill.died(name, failure.toString()));
        Endpoint unbound = new Endpoint(name, Peer.Role.DISTRIBUTOR, incarnation, 0, "127.0.0.1", 1, 1);
        distributor = new Distributor(
                DistributorConfig.builder(name)
                        .cluster(Drill.CLUSTER)
                        .listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                        .sessionGrace(sessionGrace)
                        .build(),
                incarnation,
                drill.wiring().members(unbound, new Gate()),
                hooks);
    }

    @Override
    public String toString() {
        return name;
    }

    String name() {
        return name;
    }

    boolean isAlive() {
        return isAlive;
    }

    /** Where clients reach it. */
    InetSocketAddress address() {
        return Objects.requireNonNull(distributor.clientAddress());
    }

    /** The term that it believes in. */
    long term() {
        return distributor.snapshot().term();
    }

    /** What kill -9 does. */
    void kill() {
        drill.say(name + " is killed");
        drill.wiring().tearOff(name);
        isAlive = false;
        distributor.close();
        if (register != null) {
            try {
                register.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}

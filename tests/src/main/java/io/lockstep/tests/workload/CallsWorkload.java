package io.lockstep.tests.workload;

import io.lockstep.distributor.LockstepClient;
import io.lockstep.server.drill.Workload;
import java.util.function.Supplier;

/** Prepaid calls of four messages each, a fixed number open at any time. Safe from any thread, having no state. */
public final class CallsWorkload implements Workload {
    @Override
    public String name() {
        return "calls";
    }

    @Override
    public String service() {
        return "prepaid-calls";
    }

    @Override
    public Run prepare(Supplier<LockstepClient> connect, Settings settings) {
        return new CallsRun(() -> new ClientDoor(connect.get()), settings);
    }
}

package io.lockstep.tests.workload;

import io.lockstep.server.drill.Workload;

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
    public Run prepare(Door door, Settings settings) {
        return new CallsRun(() -> new ClientDoor(door.connect().get()), settings);
    }
}

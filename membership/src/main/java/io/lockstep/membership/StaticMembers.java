package io.lockstep.membership;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Processes at fixed addresses, for a distributor inside a client and for tests. Safe from any thread, because one lock
 * guards everything.
 *
 * <p>It learns of nobody by itself: {@link #publish} makes a process known here, {@link #remove} forgets it.
 */
public final class StaticMembers implements Members {
    private final TreeMap<String, Endpoint> endpoints = new TreeMap<>();
    private final TreeMap<String, String> statuses = new TreeMap<>();
    private final List<MembersListener> listeners = new ArrayList<>();

    /** @param known processes known from the beginning, each name once */
    public StaticMembers(List<Endpoint> known) {
        for (Endpoint endpoint : known) {
            if (endpoints.put(endpoint.name(), endpoint) != null) {
                throw new IllegalArgumentException("process '" + endpoint.name() + "' is named twice");
            }
        }
    }

    @Override
    public synchronized void publish(Endpoint self) {
        Endpoint before = endpoints.put(self.name(), self);
        if (before == null) {
            listeners.forEach(listener -> listener.onAppeared(self));
        } else if (!before.equals(self)) {
            listeners.forEach(listener -> listener.onChanged(before, self));
        }
    }

    /** Forgets the process of that name, if it is known. */
    public synchronized void remove(String name) {
        statuses.remove(name);
        Endpoint gone = endpoints.remove(name);
        if (gone != null) {
            listeners.forEach(listener -> listener.onGone(gone));
        }
    }

    @Override
    public synchronized Optional<Endpoint> find(String name) {
        return Optional.ofNullable(endpoints.get(name));
    }

    @Override
    public synchronized List<Endpoint> all() {
        return List.copyOf(endpoints.values());
    }

    @Override
    public synchronized void listen(MembersListener listener) {
        listeners.add(listener);
        endpoints.values().forEach(listener::onAppeared);
    }

    @Override
    public synchronized void publishStatus(String name, String json) {
        statuses.put(name, json);
    }

    @Override
    public synchronized Map<String, String> statuses() {
        return new TreeMap<>(statuses);
    }

    @Override
    public synchronized void close() {
        listeners.clear();
    }
}

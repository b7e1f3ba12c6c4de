package io.lockstep.tests.onejvm;

import io.lockstep.membership.Endpoint;
import io.lockstep.membership.Members;
import io.lockstep.membership.MembersListener;
import io.lockstep.membership.StaticMembers;
import io.lockstep.wire.Frame;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * All cables of a drill, and what every process knows of the others: that they are at the ends of its cables. Safe from
 * any thread, because one lock guards everything.
 */
final class Wiring {
    private final Map<String, Way> ways = new LinkedHashMap<>();
    private final Map<String, Cable> cables = new LinkedHashMap<>();
    private final List<Cable> abandoned = new ArrayList<>();
    private final Map<String, Endpoint> endpoints = new LinkedHashMap<>();
    private final Map<String, StaticMembers> known = new HashMap<>();
    private final Consumer<Frame> witness;

    /** @param witness sees every frame */
    Wiring(Consumer<Frame> witness) {
        this.witness = witness;
    }

    /** What one process says to another. */
    synchronized Way way(String from, String to) {
        return ways.computeIfAbsent(from + ">" + to, name -> {
            Way way = new Way(name);
            way.observe(witness);
            return way;
        });
    }

    synchronized List<Way> ways() {
        return List.copyOf(ways.values());
    }

    /** Everything that a process says and hears. */
    synchronized List<Way> waysOf(String name) {
        return of(name, ways);
    }

    /** Everything by which a process reaches others and is reached. */
    synchronized List<Cable> cablesOf(String name) {
        return of(name, cables);
    }

    private static <T> List<T> of(String name, Map<String, T> byEnds) {
        List<T> its = new ArrayList<>();
        byEnds.forEach((ends, one) -> {
            if (List.of(ends.split(">")).contains(name)) {
                its.add(one);
            }
        });
        return its;
    }

    /** The connections from one to the other are dead from here on, and neither is told; new ones work. */
    synchronized void numb(String from, String to) {
        Cable cable = cables.get(from + ">" + to);
        if (cable == null) {
            throw new IllegalStateException("no cable from " + from + " to " + to);
        }
        cable.numb();
    }

    /** The cable by which one reaches the other. */
    synchronized Cable cable(String from, String to, InetSocketAddress target) {
        String ends = from + ">" + to;
        Cable old = cables.get(ends);
        if (old != null) {
            old.close();
        }
        Cable laid = new Cable(ends, target, way(from, to), way(to, from));
        cables.put(ends, laid);
        return laid;
    }

    /**
     * What a process knows of others; made anew for each run of it.
     *
     * @param gate holds the process's agent whenever it tells how it is
     */
    synchronized Members members(Endpoint self, Gate gate) {
        StaticMembers mine = new StaticMembers(List.of());
        known.put(self.name(), mine);
        endpoints.put(self.name(), self);
        endpoints.values().stream()
                .filter(other -> !other.name().equals(self.name()))
                .forEach(other -> tell(self.name(), mine, other, true));
        Members seen = new Seen(self, mine, gate);
        seen.publish(self);
        return seen;
    }

    private synchronized void publish(Endpoint self) {
        Endpoint before = endpoints.put(self.name(), self);
        boolean isElsewhere = before == null || before.peerPort() != self.peerPort();
        known.forEach((name, members) -> {
            if (!name.equals(self.name())) {
                tell(name, members, self, isElsewhere);
            }
        });
    }

    private void tell(String who, StaticMembers members, Endpoint of, boolean isElsewhere) {
        String ends = who + ">" + of.name();
        Cable cable = isElsewhere || !cables.containsKey(ends)
                ? cable(who, of.name(), new InetSocketAddress(of.peerHost(), of.peerPort()))
                : cables.get(ends);
        members.publish(new Endpoint(
                of.name(),
                of.role(),
                of.incarnation(),
                of.pid(),
                of.peerHost(),
                cable.address().getPort(),
                of.clientPort()));
    }

    /** Forgets a process that has ended, and tears its cables; nobody is told, since that is what the drill is about. */
    synchronized void tearOff(String name) {
        abandon(name).forEach(Cable::close);
    }

    /**
     * Forgets a process that has vanished. Its cables stay, with what is in them; the other ends do not notice.
     *
     * @return the ways that it leaves behind; what comes after it gets new ones
     */
    synchronized List<Way> leaveBehind(String name) {
        List<Way> left = waysOf(name);
        List<Cable> its = abandon(name);
        its.forEach(Cable::silence);
        abandoned.addAll(its);
        return left;
    }

    private List<Cable> abandon(String name) {
        known.remove(name);
        endpoints.remove(name);
        List<Cable> its = cablesOf(name);
        cables.values().removeAll(its);
        ways.values().removeAll(waysOf(name));
        return its;
    }

    synchronized void close() {
        cables.values().forEach(Cable::close);
        abandoned.forEach(Cable::close);
    }

    /** The members as one process sees them. */
    private final class Seen implements Members {
        private final String name;
        private final StaticMembers mine;
        private final Gate gate;

        private Seen(Endpoint self, StaticMembers mine, Gate gate) {
            this.name = self.name();
            this.gate = gate;
            this.mine = mine;
        }

        @Override
        public void publish(Endpoint self) {
            Wiring.this.publish(self);
        }

        @Override
        public Optional<Endpoint> find(String other) {
            return mine.find(other);
        }

        @Override
        public List<Endpoint> all() {
            return mine.all();
        }

        @Override
        public void listen(MembersListener listener) {
            mine.listen(listener);
        }

        @Override
        public void publishStatus(String self, String json) {
            gate.pass();
            mine.publishStatus(self, json);
        }

        @Override
        public Map<String, String> statuses() {
            return mine.statuses();
        }

        @Override
        public void close() {
            mine.close();
        }

        @Override
        public String toString() {
            return "what " + name + " knows";
        }
    }
}

package io.lockstep.membership;

import com.hazelcast.cluster.Member;
import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.cluster.MembershipListener;
import com.hazelcast.config.Config;
import com.hazelcast.config.InMemoryFormat;
import com.hazelcast.config.JavaSerializationFilterConfig;
import com.hazelcast.config.NetworkConfig;
import com.hazelcast.config.ReplicatedMapConfig;
import com.hazelcast.core.EntryEvent;
import com.hazelcast.core.EntryListener;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastException;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceNotActiveException;
import com.hazelcast.core.LifecycleEvent;
import com.hazelcast.core.OperationTimeoutException;
import com.hazelcast.core.OutOfMemoryHandler;
import com.hazelcast.map.MapEvent;
import com.hazelcast.replicatedmap.ReplicatedMap;
import io.lockstep.wire.Peer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the other processes through Hazelcast. Safe from any thread, because answers are snapshots and everything that
 * may block runs on its own threads: {@code members} decides what is told, and has it told by a {@code members-request}
 * each, for which it waits two seconds at most.
 *
 * <p>Each process is a member and keeps, under its member id, its endpoint and its status in a replicated map each.
 * What belongs to a member that has left is not shown any more, and is removed by those who saw it leave. Only strings
 * travel. Of two members with one name the one that joined last counts: the other is a run that has not been missed yet.
 */
public final class HazelcastMembers implements Members {
    private static final Logger log = LoggerFactory.getLogger(HazelcastMembers.class);

    /** The directory is read at least this often, since events tell only what changes after joining. */
    private static final long REFRESH_MS = 200;

    /**
     * A member that joins while others do may be filled with nothing, and Hazelcast repairs a replicated map only every
     * 30 s; what is put again reaches it at once.
     */
    private static final long PUBLISH_AGAIN_NS = TimeUnit.SECONDS.toNanos(1);

    /**
     * So long at most the thread waits for Hazelcast to take something. A request that went down with its connection is
     * waited for by Hazelcast for two minutes, unless a member left; what is told again meanwhile is taken.
     */
    private static final long TAKEN_WITHIN_MS = 2_000;

    /** So many requests may be waited for at a time; those given up end when Hazelcast gives them up, too. */
    private static final int REQUESTS_MAX = 32;

    private static final String ENDPOINTS = "lockstep.endpoints";
    private static final String STATUSES = "lockstep.statuses";
    private static final String LOGGING = "hazelcast.logging.type";
    private static final String LAYOUT = "1";
    private static final String SEPARATOR = "\t";

    private final MembershipConfig config;
    private final CompletableFuture<Void> ready = new CompletableFuture<>();
    private final ExecutorService requests = new ThreadPoolExecutor(
            0, REQUESTS_MAX, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), HazelcastMembers::requestThread);
    /** Nothing but a wake-up: what is to be published is in the two fields below, the newest only. */
    private final LinkedBlockingQueue<Note> notes = new LinkedBlockingQueue<>();

    private volatile Endpoint self;
    private volatile @Nullable Status status;
    private volatile @Nullable Directory directory;
    private volatile TreeMap<String, Endpoint> known = new TreeMap<>();
    private volatile boolean closed;
    private final List<MembersListener> listeners = new ArrayList<>();

    private record Status(String name, String json) {}

    /** What the thread {@code members} has to do. */
    private sealed interface Note {
        record Publish() implements Note {}

        record PublishStatus() implements Note {}

        record Forget(String memberId) implements Note {}

        record Stop() implements Note {}
    }

    private HazelcastMembers(MembershipConfig config, Endpoint self) {
        this.config = config;
        this.self = self;
    }

    /**
     * Begins to join and returns at once; until {@link #whenReady} only this process is known.
     *
     * @param config where to listen and whom to ask
     * @param self this process
     */
    public static HazelcastMembers start(MembershipConfig config, Endpoint self) {
        if (System.getProperty(LOGGING) == null) {
            // What Hazelcast says before it has read its settings would go past the log.
            System.setProperty(LOGGING, "slf4j");
        }
        Hazelcast.setOutOfMemoryHandler(new OutOfMemoryHandler() {
            @Override
            public void onOutOfMemory(OutOfMemoryError error, HazelcastInstance[] instances) {
                Thread thread = Thread.currentThread();
                thread.getUncaughtExceptionHandler().uncaughtException(thread, error);
            }
        });
        HazelcastMembers members = new HazelcastMembers(config, self);
        members.known = new TreeMap<>(Map.of(self.name(), self));
        Thread thread = new Thread(members::work, "members");
        thread.setDaemon(true);
        thread.start();
        return members;
    }

    /** Completed when this process has joined and is published; exceptionally when its port is taken, for example. */
    public CompletionStage<Void> whenReady() {
        return ready;
    }

    @Override
    public void publish(Endpoint next) {
        self = next;
        notes.add(new Note.Publish());
    }

    @Override
    public void publishStatus(String name, String json) {
        status = new Status(name, json);
        notes.add(new Note.PublishStatus());
    }

    @Override
    public Optional<Endpoint> find(String name) {
        return Optional.ofNullable(known.get(name));
    }

    @Override
    public List<Endpoint> all() {
        return List.copyOf(known.values());
    }

    @Override
    public void listen(MembersListener listener) {
        synchronized (listeners) {
            listeners.add(listener);
            known.values().forEach(listener::onAppeared);
        }
    }

    @Override
    public Map<String, String> statuses() {
        TreeMap<String, String> byName = new TreeMap<>();
        Directory now = directory;
        if (now != null && !closed) {
            now.read(STATUSES).forEach(text -> {
                int end = text.indexOf('\n');
                if (end > 0) {
                    byName.put(text.substring(0, end), text.substring(end + 1));
                }
            });
        }
        Status own = status;
        if (own != null) {
            byName.put(own.name(), own.json());
        }
        return byName;
    }

    @Override
    public void close() {
        closed = true;
        notes.add(new Note.Stop());
        Directory now = directory;
        if (now != null) {
            now.instance.getLifecycleService().terminate();
        }
        requests.shutdown();
        synchronized (listeners) {
            listeners.clear();
        }
    }

    // ---- the thread members ---------------------------------------------------------------------------------------

    private void work() {
        try {
            Directory joined = join();
            directory = joined;
            if (closed) {
                joined.instance.getLifecycleService().terminate();
                return;
            }
            notes.add(new Note.Publish());
            long publishedNs = System.nanoTime() - PUBLISH_AGAIN_NS;
            long refreshedNs = publishedNs;
            boolean isRefused = false;
            Note note = null;
            while (!(note instanceof Note.Stop)) {
                note = notes.poll(REFRESH_MS, TimeUnit.MILLISECONDS);
                long nowNs = System.nanoTime();
                try {
                    if (note != null) {
                        act(joined, note);
                    }
                    if (nowNs - publishedNs >= PUBLISH_AGAIN_NS) {
                        joined.publish();
                        publishedNs = nowNs;
                    }
                    if (nowNs - refreshedNs >= TimeUnit.MILLISECONDS.toNanos(REFRESH_MS)) {
                        // What a joining member is filled with is no event to its listeners; and notes may come as
                        // often.
                        refreshedNs = nowNs;
                        refresh();
                    }
                    ready.complete(null);
                    isRefused = false;
                } catch (HazelcastException e) {
                    // For example what was under way when the wall clock jumped, which Hazelcast takes for too old.
                    if (!isRefused && !closed) {
                        log.warn("members: Hazelcast did not take what we told or asked; we go on and do so again", e);
                    }
                    isRefused = true;
                }
            }
        } catch (InterruptedException e) {
            ready.completeExceptionally(e);
        } catch (RuntimeException e) {
            if (closed) {
                log.debug("members: closed while at work", e);
            } else {
                log.error("members: the directory of processes is lost; known addresses stay in use", e);
            }
            ready.completeExceptionally(e);
        }
    }

    private void act(Directory joined, Note note) throws InterruptedException {
        if (note instanceof Note.Publish) {
            joined.publish();
            refresh();
        } else if (note instanceof Note.PublishStatus) {
            joined.publishStatus();
        } else if (note instanceof Note.Forget forget) {
            joined.change(ENDPOINTS, map -> map.remove(forget.memberId()));
            joined.change(STATUSES, map -> map.remove(forget.memberId()));
        }
    }

    private static Thread requestThread(Runnable work) {
        Thread thread = new Thread(work, "members-request");
        thread.setDaemon(true);
        return thread;
    }

    private Directory join() {
        Directory joining = new Directory(Hazelcast.newHazelcastInstance(settings(config)));
        joining.instance.getCluster().addMembershipListener(new MembershipListener() {
            @Override
            public void memberAdded(MembershipEvent event) {
                refresh();
            }

            @Override
            public void memberRemoved(MembershipEvent event) {
                notes.add(new Note.Forget(event.getMember().getUuid().toString()));
                refresh();
            }
        });
        joining.instance.getLifecycleService().addLifecycleListener(event -> {
            if (event.getState() == LifecycleEvent.LifecycleState.MERGED) {
                // Two directories found each other, and this member has a new id.
                notes.add(new Note.Publish());
                notes.add(new Note.PublishStatus());
            }
        });
        joining.map(ENDPOINTS).addEntryListener(new Refresher());
        return joining;
    }

    // ---- snapshot -------------------------------------------------------------------------------------------------

    /** Reads the directory and tells the listeners what differs from before. */
    private void refresh() {
        Directory now = directory;
        if (now == null || closed) {
            return;
        }
        synchronized (listeners) {
            TreeMap<String, Endpoint> next = new TreeMap<>();
            try {
                now.read(ENDPOINTS).forEach(text -> decode(text).ifPresent(found -> next.put(found.name(), found)));
            } catch (HazelcastInstanceNotActiveException e) {
                log.debug("members: closed while being read", e);
                return;
            }
            next.put(self.name(), self);
            TreeMap<String, Endpoint> before = known;
            known = next;
            next.forEach((name, endpoint) -> tellFound(before.get(name), endpoint));
            before.forEach((name, endpoint) -> {
                if (!next.containsKey(name)) {
                    log.info("members: {} has gone", endpoint);
                    listeners.forEach(listener -> listener.onGone(endpoint));
                }
            });
        }
    }

    private void tellFound(@Nullable Endpoint before, Endpoint endpoint) {
        if (before == null) {
            log.info("members: found {}", endpoint);
            listeners.forEach(listener -> listener.onAppeared(endpoint));
        } else if (!before.equals(endpoint)) {
            log.info("members: {} is now {}", before, endpoint);
            listeners.forEach(listener -> listener.onChanged(before, endpoint));
        }
    }

    static String encode(Endpoint endpoint) {
        return String.join(
                SEPARATOR,
                LAYOUT,
                endpoint.name(),
                endpoint.role().name(),
                Long.toString(endpoint.incarnation()),
                Long.toString(endpoint.pid()),
                endpoint.peerHost(),
                Integer.toString(endpoint.peerPort()),
                Integer.toString(endpoint.clientPort()));
    }

    /** The endpoint; empty when the text is none, which is another version's or a stranger's and harms nobody. */
    static Optional<Endpoint> decode(String text) {
        String[] parts = text.split(SEPARATOR, -1);
        if (parts.length != 8 || !parts[0].equals(LAYOUT)) {
            log.debug("members: not an endpoint: {}", text);
            return Optional.empty();
        }
        try {
            return Optional.of(new Endpoint(
                    parts[1],
                    Peer.Role.valueOf(parts[2]),
                    Long.parseLong(parts[3]),
                    Long.parseLong(parts[4]),
                    parts[5],
                    Integer.parseInt(parts[6]),
                    Integer.parseInt(parts[7])));
        } catch (IllegalArgumentException e) {
            log.debug("members: not an endpoint: {}", text, e);
            return Optional.empty();
        }
    }

    /** The joined Hazelcast member. */
    private final class Directory {
        final HazelcastInstance instance;

        Directory(HazelcastInstance instance) {
            this.instance = instance;
        }

        ReplicatedMap<String, String> map(String name) {
            return instance.getReplicatedMap(name);
        }

        void publish() throws InterruptedException {
            String text = encode(self);
            change(ENDPOINTS, map -> map.put(ownId(), text));
        }

        void publishStatus() throws InterruptedException {
            Status now = status;
            if (now != null) {
                String text = now.name() + "\n" + now.json();
                change(STATUSES, map -> map.put(ownId(), text));
            }
        }

        /**
         * Changes what all members see. One that was given up may still happen later; what is told next goes over it.
         *
         * @throws HazelcastException it was refused, or not taken within {@link #TAKEN_WITHIN_MS}
         */
        void change(String name, Consumer<ReplicatedMap<String, String>> change) throws InterruptedException {
            try {
                requests.submit(() -> change.accept(map(name))).get(TAKEN_WITHIN_MS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                throw new OperationTimeoutException("not taken within " + TAKEN_WITHIN_MS + " ms: a change of " + name);
            } catch (RejectedExecutionException e) {
                throw new OperationTimeoutException(
                        REQUESTS_MAX + " requests wait to be taken, or this process ends", e);
            } catch (ExecutionException e) {
                if (e.getCause() instanceof Error error) {
                    throw error;
                }
                throw e.getCause() instanceof RuntimeException why ? why : new IllegalStateException(e.getCause());
            }
        }

        /** What the living members keep there, in the order in which they joined. */
        List<String> read(String name) {
            Map<String, String> byMember = new HashMap<>(map(name));
            List<String> texts = new ArrayList<>();
            for (Member member : instance.getCluster().getMembers()) {
                String text = byMember.get(member.getUuid().toString());
                if (text != null) {
                    texts.add(text);
                }
            }
            return texts;
        }

        private String ownId() {
            return instance.getCluster().getLocalMember().getUuid().toString();
        }
    }

    private final class Refresher implements EntryListener<String, String> {
        @Override
        public void entryAdded(EntryEvent<String, String> event) {
            refresh();
        }

        @Override
        public void entryUpdated(EntryEvent<String, String> event) {
            refresh();
        }

        @Override
        public void entryRemoved(EntryEvent<String, String> event) {
            refresh();
        }

        @Override
        public void entryEvicted(EntryEvent<String, String> event) {
            refresh();
        }

        @Override
        public void entryExpired(EntryEvent<String, String> event) {
            refresh();
        }

        @Override
        public void mapCleared(MapEvent event) {
            refresh();
        }

        @Override
        public void mapEvicted(MapEvent event) {
            refresh();
        }
    }

    // ---- settings -------------------------------------------------------------------------------------------------

    private static Config settings(MembershipConfig config) {
        Config settings = new Config();
        settings.setClusterName("lockstep-" + config.cluster());
        settings.setInstanceName("lockstep-" + config.cluster() + "-" + config.self() + "-" + config.memberPort());
        settings.setProperties(properties());
        settings.getMetricsConfig().setEnabled(false);
        settings.getJetConfig().setEnabled(false);
        settings.getSerializationConfig().setJavaSerializationFilterConfig(filter());
        for (String map : List.of(ENDPOINTS, STATUSES)) {
            settings.addReplicatedMapConfig(new ReplicatedMapConfig(map).setInMemoryFormat(InMemoryFormat.OBJECT));
        }
        NetworkConfig network = settings.getNetworkConfig();
        network.setPort(config.memberPort()).setPortAutoIncrement(false);
        network.getInterfaces().setEnabled(true).addInterface(config.memberHost());
        network.getMemcacheProtocolConfig().setEnabled(false);
        network.getJoin().getAutoDetectionConfig().setEnabled(false);
        network.getJoin().getMulticastConfig().setEnabled(false);
        network.getJoin()
                .getTcpIpConfig()
                .setEnabled(true)
                .setConnectionTimeoutSeconds(1)
                .setMembers(config.memberAddresses());
        return settings;
    }

    /** Hazelcast itself sends exceptions as Java objects; nothing else may come in that way. */
    private static JavaSerializationFilterConfig filter() {
        JavaSerializationFilterConfig filter = new JavaSerializationFilterConfig();
        filter.setDefaultsDisabled(true);
        filter.getWhitelist().addPrefixes("com.hazelcast.", "java.lang.", "[Ljava.lang.");
        // An exception holds its suppressed ones in a list.
        filter.getWhitelist().addPrefixes("java.util.Collections$", "java.util.ArrayList", "[Ljava.util.");
        return filter;
    }

    private static Properties properties() {
        Properties all = new Properties();
        all.setProperty(LOGGING, "slf4j");
        all.setProperty("hazelcast.phone.home.enabled", "false");
        all.setProperty("hazelcast.shutdownhook.enabled", "false");
        all.setProperty("hazelcast.health.monitoring.level", "OFF");
        all.setProperty("hazelcast.diagnostics.enabled", "false");
        all.setProperty("hazelcast.slow.operation.detector.enabled", "false");
        all.setProperty("hazelcast.socket.bind.any", "false");
        // A kill is noticed within 200 ms, a stopped process within 4 s.
        all.setProperty("hazelcast.connection.monitor.interval", "50");
        all.setProperty("hazelcast.connection.monitor.max.faults", "1");
        all.setProperty("hazelcast.heartbeat.interval.seconds", "1");
        all.setProperty("hazelcast.max.no.heartbeat.seconds", "3");
        // Two processes that started at the same moment may each have begun alone: they look for each other again.
        all.setProperty("hazelcast.wait.seconds.before.join", "0");
        all.setProperty("hazelcast.merge.first.run.delay.seconds", "2");
        all.setProperty("hazelcast.merge.next.run.delay.seconds", "5");
        // A few dozen entries: the least of everything.
        all.setProperty("hazelcast.partition.count", "1");
        all.setProperty("hazelcast.operation.thread.count", "1");
        all.setProperty("hazelcast.operation.generic.thread.count", "1");
        all.setProperty("hazelcast.operation.priority.generic.thread.count", "1");
        all.setProperty("hazelcast.operation.response.thread.count", "1");
        all.setProperty("hazelcast.io.thread.count", "1");
        all.setProperty("hazelcast.event.thread.count", "1");
        all.setProperty("hazelcast.clientengine.thread.count", "1");
        all.setProperty("hazelcast.clientengine.query.thread.count", "1");
        all.setProperty("hazelcast.clientengine.blocking.thread.count", "1");
        return all;
    }
}

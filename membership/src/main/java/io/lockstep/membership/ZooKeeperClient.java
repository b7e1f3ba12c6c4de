package io.lockstep.membership;

import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.api.BackgroundCallback;
import org.apache.curator.framework.api.CuratorEvent;
import org.apache.curator.retry.RetryOneTime;
import org.apache.zookeeper.KeeperException;

/**
 * This process's connection to a ZooKeeper ensemble. Safe from any thread, because Curator is; its answers come on
 * threads of its own.
 */
public final class ZooKeeperClient implements AutoCloseable, ZooKeeperRegister.Store {
    private static final int SESSION_MS = 10_000;
    private static final int CONNECT_MS = 2_000;
    private static final int RETRY_MS = 50;
    private static final byte[] NOTHING = new byte[0];

    private final String connect;
    private final String folder;
    private final String path;
    private final CuratorFramework curator;

    private ZooKeeperClient(String connect, String folder) {
        this.connect = connect;
        this.folder = folder;
        this.path = folder + "/view";
        this.curator = CuratorFrameworkFactory.newClient(connect, SESSION_MS, CONNECT_MS, new RetryOneTime(RETRY_MS));
    }

    /**
     * Begins to connect; does not wait.
     *
     * @param connect {@code host:port}, several with commas
     * @param cluster name of the cluster
     * @param database name of the database: the value is in {@code /lockstep/CLUSTER/DATABASE/view}
     */
    public static ZooKeeperClient connect(String connect, String cluster, String database) {
        Checks.name("cluster", cluster);
        Checks.name("database", database);
        ZooKeeperClient client = new ZooKeeperClient(connect, "/lockstep/" + cluster + "/" + database);
        client.curator.start();
        return client;
    }

    /**
     * A hand on the view register.
     *
     * @param owner runs tasks on the thread that owns it
     * @param random source of nonces and of the scatter of pauses
     */
    public ViewRegister register(Executor owner, LongSupplier random) {
        return new ZooKeeperRegister(this, owner, random);
    }

    @Override
    public void read(Consumer<Reply> done) {
        run(done, callback -> curator.getData().inBackground(callback).forPath(path));
    }

    @Override
    public void write(byte[] bytes, int expected, Consumer<Reply> done) {
        if (expected == ABSENT) {
            run(done, callback -> curator.create()
                    .creatingParentsIfNeeded()
                    .inBackground(callback)
                    .forPath(path, bytes));
        } else {
            run(done, callback -> curator.setData()
                    .withVersion(expected)
                    .inBackground(callback)
                    .forPath(path, bytes));
        }
    }

    /** A write of our own: what our session reads afterwards is at least as new. */
    @Override
    public void catchUp(Consumer<Reply> done) {
        run(done, callback -> curator.create()
                .orSetData()
                .creatingParentsIfNeeded()
                .inBackground(callback)
                .forPath(folder, NOTHING));
    }

    @Override
    public void close() {
        curator.close();
    }

    private interface Operation {
        void begin(BackgroundCallback callback) throws Exception;
    }

    private void run(Consumer<Reply> done, Operation operation) {
        try {
            operation.begin((client, event) -> done.accept(reply(event)));
        } catch (Exception e) {
            done.accept(failed(e.toString()));
        }
    }

    private Reply reply(CuratorEvent event) {
        KeeperException.Code code = KeeperException.Code.get(event.getResultCode());
        if (code == KeeperException.Code.OK) {
            byte[] bytes = event.getData();
            boolean isRead = event.getStat() != null && bytes != null;
            return new Reply(
                    Code.DONE,
                    isRead ? bytes : NOTHING,
                    isRead ? event.getStat().getVersion() : ABSENT,
                    "");
        }
        boolean isRefused = code == KeeperException.Code.NONODE
                || code == KeeperException.Code.BADVERSION
                || code == KeeperException.Code.NODEEXISTS;
        return isRefused ? new Reply(Code.REFUSED, NOTHING, ABSENT, "") : failed(String.valueOf(code));
    }

    private Reply failed(String trouble) {
        return new Reply(Code.FAILED, NOTHING, ABSENT, "ZooKeeper at " + connect + ": " + trouble);
    }
}

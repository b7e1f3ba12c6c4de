package io.lockstep.membership;

import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.AccessMode;
import java.nio.file.CopyOption;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.UserPrincipalLookupService;
import java.nio.file.spi.FileSystemProvider;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The real disk, but for three things: it reads and writes a few bytes at a time, it tells what was asked of it, and on a
 * loss of power it forgets what was not flushed. Touched only by the test's thread.
 */
final class ForgetfulDisk extends FileSystemProvider {
    /** What was asked, without repetitions: {@code write SLOT}, {@code flush FILE}, {@code move}. */
    final List<String> asked = new ArrayList<>();

    int openFiles;
    private final int bytesAtATime;
    private final int slotBytes;
    private final Map<Path, byte[]> flushed = new HashMap<>();
    private final FileSystem fileSystem = new Watched();

    ForgetfulDisk(int bytesAtATime, int slotBytes) {
        this.bytesAtATime = bytesAtATime;
        this.slotBytes = slotBytes;
    }

    /** The same place on this disk. */
    Path path(Path real) {
        return (Path) Proxy.newProxyInstance(
                Path.class.getClassLoader(), new Class<?>[] {Path.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("getFileSystem")) {
                        return fileSystem;
                    }
                    Object[] reals = arguments == null ? new Object[0] : arguments.clone();
                    for (int i = 0; i < reals.length; i++) {
                        reals[i] = reals[i] instanceof Path path ? real(path) : reals[i];
                    }
                    try {
                        Object result = method.invoke(real, reals);
                        return result instanceof Path path ? path(path) : result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    private static Path real(Path path) {
        return Path.of(path.toString());
    }

    /** What was not flushed is gone. */
    void losePower() throws IOException {
        for (Map.Entry<Path, byte[]> file : flushed.entrySet()) {
            Files.write(file.getKey(), file.getValue());
        }
    }

    private void say(String what) {
        if (asked.isEmpty() || !asked.get(asked.size() - 1).equals(what)) {
            asked.add(what);
        }
    }

    @Override
    public FileChannel newFileChannel(Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes)
            throws IOException {
        return new Channel(real(path), FileChannel.open(real(path), options, attributes));
    }

    @Override
    public void move(Path source, Path target, CopyOption... options) throws IOException {
        Files.move(real(source), real(target), options);
        say("move");
        byte[] content = flushed.remove(real(source));
        if (content != null) {
            flushed.put(real(target), content);
        }
    }

    @Override
    public void checkAccess(Path path, AccessMode... modes) throws IOException {
        FileSystemProvider provider = real(path).getFileSystem().provider();
        provider.checkAccess(real(path), modes);
    }

    private final class Channel extends FileChannel {
        private final Path path;
        private final FileChannel real;

        Channel(Path path, FileChannel real) {
            this.path = path;
            this.real = real;
            openFiles++;
        }

        private ByteBuffer part(ByteBuffer whole) {
            return whole.duplicate().limit(whole.position() + Math.min(whole.remaining(), bytesAtATime));
        }

        @Override
        public int read(ByteBuffer into, long position) throws IOException {
            int bytes = real.read(part(into), position);
            into.position(into.position() + Math.max(0, bytes));
            return bytes;
        }

        @Override
        public int write(ByteBuffer from, long position) throws IOException {
            say("write " + position / slotBytes);
            int bytes = real.write(part(from), position);
            from.position(from.position() + bytes);
            return bytes;
        }

        @Override
        public void force(boolean metaData) throws IOException {
            real.force(metaData);
            boolean isFolder = Files.isDirectory(path);
            say("flush " + (isFolder ? "folder" : path.getFileName()));
            if (!isFolder) {
                flushed.put(path, Files.readAllBytes(path));
            }
        }

        @Override
        public FileLock tryLock(long position, long size, boolean isShared) throws IOException {
            return real.tryLock(position, size, isShared);
        }

        @Override
        public FileLock lock(long position, long size, boolean isShared) throws IOException {
            return real.lock(position, size, isShared);
        }

        @Override
        protected void implCloseChannel() throws IOException {
            openFiles--;
            real.close();
        }

        @Override
        public long size() throws IOException {
            return real.size();
        }

        @Override
        public long position() {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileChannel position(long position) {
            throw new UnsupportedOperationException();
        }

        @Override
        public FileChannel truncate(long bytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int read(ByteBuffer into) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long read(ByteBuffer[] into, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int write(ByteBuffer from) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long write(ByteBuffer[] from, int offset, int length) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferTo(long position, long count, WritableByteChannel target) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long transferFrom(ReadableByteChannel source, long position, long count) {
            throw new UnsupportedOperationException();
        }

        @Override
        public MappedByteBuffer map(MapMode mode, long position, long bytes) {
            throw new UnsupportedOperationException();
        }
    }

    /** Nothing but the way to the provider. */
    private final class Watched extends FileSystem {
        @Override
        public FileSystemProvider provider() {
            return ForgetfulDisk.this;
        }

        @Override
        public void close() {}

        @Override
        public boolean isOpen() {
            return true;
        }

        @Override
        public boolean isReadOnly() {
            return false;
        }

        @Override
        public String getSeparator() {
            return "/";
        }

        @Override
        public Iterable<Path> getRootDirectories() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Iterable<FileStore> getFileStores() {
            throw new UnsupportedOperationException();
        }

        @Override
        public Set<String> supportedFileAttributeViews() {
            return Set.of();
        }

        @Override
        public Path getPath(String first, String... more) {
            return path(Path.of(first, more));
        }

        @Override
        public PathMatcher getPathMatcher(String syntaxAndPattern) {
            throw new UnsupportedOperationException();
        }

        @Override
        public UserPrincipalLookupService getUserPrincipalLookupService() {
            throw new UnsupportedOperationException();
        }

        @Override
        public WatchService newWatchService() {
            throw new UnsupportedOperationException();
        }
    }

    @Override
    public String getScheme() {
        return "forgetful";
    }

    @Override
    public FileSystem newFileSystem(URI uri, Map<String, ?> environment) {
        throw new UnsupportedOperationException();
    }

    @Override
    public FileSystem getFileSystem(URI uri) {
        return fileSystem;
    }

    @Override
    public Path getPath(URI uri) {
        throw new UnsupportedOperationException();
    }

    @Override
    public SeekableByteChannel newByteChannel(
            Path path, Set<? extends OpenOption> options, FileAttribute<?>... attributes) throws IOException {
        return newFileChannel(path, options, attributes);
    }

    @Override
    public DirectoryStream<Path> newDirectoryStream(Path folder, DirectoryStream.Filter<? super Path> filter) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void createDirectory(Path folder, FileAttribute<?>... attributes) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void delete(Path path) throws IOException {
        Files.delete(real(path));
    }

    @Override
    public void copy(Path source, Path target, CopyOption... options) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isSameFile(Path path, Path other) {
        return path.toString().equals(other.toString());
    }

    @Override
    public boolean isHidden(Path path) {
        return false;
    }

    @Override
    public FileStore getFileStore(Path path) throws IOException {
        return Files.getFileStore(real(path));
    }

    @Override
    public <V extends FileAttributeView> V getFileAttributeView(Path path, Class<V> type, LinkOption... options) {
        throw new UnsupportedOperationException();
    }

    @Override
    public <A extends BasicFileAttributes> A readAttributes(Path path, Class<A> type, LinkOption... options)
            throws IOException {
        return Files.readAttributes(real(path), type, options);
    }

    @Override
    public Map<String, Object> readAttributes(Path path, String attributes, LinkOption... options) throws IOException {
        return Files.readAttributes(real(path), attributes, options);
    }

    @Override
    public void setAttribute(Path path, String attribute, Object value, LinkOption... options) {
        throw new UnsupportedOperationException();
    }
}

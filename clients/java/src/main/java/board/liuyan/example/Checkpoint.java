package board.liuyan.example;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** The file that holds how far a reader has come: after a crash the old one or the new one. */
final class Checkpoint {
    private final Path file;

    Checkpoint(Path file) {
        this.file = file;
    }

    /** The cursor; empty at the first start. */
    String read() throws IOException {
        return Files.exists(file) ? Files.readString(file).strip() : "";
    }

    /** Puts a cursor in the place of the one before. It is on the disk when this returns. */
    void write(String cursor) throws IOException {
        Path part = file.resolveSibling(file.getFileName() + ".part");
        try (FileChannel out = FileChannel.open(
                part,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(cursor.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
            out.force(true);
        }
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Path folder = file.toAbsolutePath().getParent();
        try (FileChannel name = FileChannel.open(folder, StandardOpenOption.READ)) {
            name.force(true);
        }
    }
}

package board.liuyan.example;

import com.google.protobuf.Duration;
import io.grpc.Context;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import liuyan.feed.v1.FeedServiceGrpc;
import liuyan.feed.v1.FeedServiceOuterClass.Event;
import liuyan.feed.v1.FeedServiceOuterClass.WatchEventsRequest;
import liuyan.feed.v1.FeedServiceOuterClass.WatchEventsResponse;

/**
 * Follows the public feed and prints what happens; the place is kept in a file.
 *
 * <p>Usage: {@code Follow HOST:PORT CHECKPOINT [--until-caught-up]}. An event may come twice after a
 * crash: whoever stores events stores their ids with them, in one transaction.
 */
public final class Follow {
    private static final int HEARTBEAT_SECONDS = 15;
    /** After so many heartbeats without a frame a stream counts as dead. */
    private static final int SILENT_BEATS = 3;
    private static final long FIRST_WAIT_MS = 250;
    private static final long LONGEST_WAIT_MS = 30_000;

    private final String address;
    private final Checkpoint checkpoint;
    private final boolean untilCaughtUp;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(work -> {
        Thread thread = new Thread(work, "silence");
        thread.setDaemon(true);
        return thread;
    });

    private Follow(String address, Path file, boolean untilCaughtUp) {
        this.address = address;
        this.checkpoint = new Checkpoint(file);
        this.untilCaughtUp = untilCaughtUp;
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        if (arguments.length < 2) {
            System.err.println("usage: Follow HOST:PORT CHECKPOINT [--until-caught-up]");
            System.exit(2);
        }
        boolean untilCaughtUp = arguments.length > 2 && arguments[2].equals("--until-caught-up");
        new Follow(arguments[0], Path.of(arguments[1]), untilCaughtUp).run();
    }

    private void run() throws IOException, InterruptedException {
        int failures = 0;
        while (true) {
            long wait;
            try {
                wait = oneStream();
                failures = 0;
                if (wait < 0) {
                    return;
                }
            } catch (StatusRuntimeException error) {
                Refusal refusal = Refusal.of(error);
                if (!refusal.movedTo().isEmpty()) {
                    System.err.println("moved: " + refusal.reason());
                    checkpoint.write(refusal.movedTo());
                    continue;
                }
                if (!refusal.passes()) {
                    throw error;
                }
                failures = Math.min(failures + 1, 10);
                long own = Math.min(FIRST_WAIT_MS << failures, LONGEST_WAIT_MS);
                own = own / 2 + ThreadLocalRandom.current().nextLong(own / 2);
                wait = Math.max(own, refusal.retryAfter().toMillis());
                System.err.println("away: " + error.getStatus() + "; again after " + wait + " ms");
            }
            Thread.sleep(wait);
        }
    }

    /** One stream to its end; for how many milliseconds to wait then, or -1 to end. */
    private long oneStream() throws IOException {
        WatchEventsRequest.Builder request = WatchEventsRequest.newBuilder()
                .setHeartbeatInterval(Duration.newBuilder().setSeconds(HEARTBEAT_SECONDS));
        String cursor = checkpoint.read();
        if (cursor.isEmpty()) {
            request.setEarliest(true);
        } else {
            request.setCursor(cursor);
        }
        ManagedChannel channel = ManagedChannelBuilder.forTarget(address)
                .usePlaintext()
                .keepAliveTime(20, TimeUnit.SECONDS)
                .maxInboundMessageSize(16 << 20)
                .build();
        try (Context.CancellableContext call = Context.current().withCancellation()) {
            return call.call(() -> read(call, FeedServiceGrpc.newBlockingStub(channel).watchEvents(request.build())));
        } catch (IOException | RuntimeException error) {
            throw error;
        } catch (Exception error) {
            throw new IllegalStateException(error);
        } finally {
            channel.shutdownNow();
        }
    }

    private long read(Context.CancellableContext call, Iterator<WatchEventsResponse> frames) throws IOException {
        ScheduledFuture<?> silence = watch(call);
        while (frames.hasNext()) {
            WatchEventsResponse frame = frames.next();
            silence.cancel(false);
            for (Event event : frame.getBatch().getEventsList()) {
                System.out.println(event.getPosition() + " " + event.getType() + " " + event.getCase().getTitle());
            }
            // Only now: what was not done comes again.
            checkpoint.write(frame.getCursor());
            if (frame.hasGoodbye()) {
                Duration after = frame.getGoodbye().getReconnectAfter();
                return after.getSeconds() * 1_000 + after.getNanos() / 1_000_000;
            }
            if (untilCaughtUp && frame.hasCaughtUp()) {
                return -1;
            }
            silence = watch(call);
        }
        silence.cancel(false);
        return FIRST_WAIT_MS;
    }

    /** Ends the call unless a frame comes in time. */
    private ScheduledFuture<?> watch(Context.CancellableContext call) {
        long limit = (long) HEARTBEAT_SECONDS * SILENT_BEATS;
        return clock.schedule(() -> call.cancel(null), limit, TimeUnit.SECONDS);
    }
}

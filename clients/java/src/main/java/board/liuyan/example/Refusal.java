package board.liuyan.example;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Map;
import java.util.Set;

/** What an error of the board says. */
record Refusal(Status.Code code, String reason, Map<String, String> metadata, Duration retryAfter) {
    /** Where the error of each reason says to go on. */
    private static final Map<String, String> MOVED = Map.of(
            "CURSOR_EXPIRED", "earliest_cursor",
            "CURSOR_AHEAD", "latest_cursor",
            "FEED_EPOCH_CHANGED", "nearest_cursor");

    /** What passes by itself; a broken connection is not told apart by the transport. */
    private static final Set<Status.Code> PASSING = Set.of(
            Status.Code.UNAVAILABLE,
            Status.Code.DEADLINE_EXCEEDED,
            Status.Code.RESOURCE_EXHAUSTED,
            Status.Code.ABORTED,
            Status.Code.UNKNOWN,
            Status.Code.INTERNAL,
            Status.Code.CANCELLED);

    static Refusal of(StatusRuntimeException error) {
        String reason = "";
        Map<String, String> metadata = Map.of();
        Duration retryAfter = Duration.ZERO;
        com.google.rpc.Status status = StatusProto.fromThrowable(error);
        try {
            for (Any detail : status == null ? java.util.List.<Any>of() : status.getDetailsList()) {
                if (detail.is(ErrorInfo.class)) {
                    ErrorInfo info = detail.unpack(ErrorInfo.class);
                    reason = info.getReason();
                    metadata = info.getMetadataMap();
                } else if (detail.is(RetryInfo.class)) {
                    com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
                    retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
                }
            }
        } catch (InvalidProtocolBufferException damaged) {
            reason = "";
        }
        return new Refusal(error.getStatus().getCode(), reason, metadata, retryAfter);
    }

    /** Whether it passes by itself. */
    boolean passes() {
        return PASSING.contains(code);
    }

    /** The cursor to go on at; empty if the place is still good. */
    String movedTo() {
        return MOVED.containsKey(reason) ? metadata.getOrDefault(MOVED.get(reason), "") : "";
    }
}

package mockkms.junit;

import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The server of all tests. */
record Server(String url, String caFile, Process process) implements ExtensionContext.Store.CloseableResource {
    /** Use the server at MOCKKMS_URL, or start one with flags of {@code mockkms serve}. */
    static Server connect(String flags) {
        String url = System.getenv("MOCKKMS_URL");
        try {
            return url == null ? start(flags) : new Server(url.replaceAll("/+$", ""), System.getenv().getOrDefault("MOCKKMS_CACERT", ""), null);
        } catch (IOException error) {
            throw new IllegalStateException(error.getMessage() + " (pip install mockkms, or set MOCKKMS_COMMAND or MOCKKMS_URL)", error);
        }
    }

    private static Server start(String flags) throws IOException {
        // It ends with its standard input, so that it does not outlive a test process that is killed.
        String line = System.getenv().getOrDefault("MOCKKMS_COMMAND", "mockkms") + " serve --port 0 --stop-on-eof --log-format json " + flags;
        long limit = limit();
        Process process = new ProcessBuilder(line.strip().split("\\s+")).redirectError(ProcessBuilder.Redirect.INHERIT).start();
        CompletableFuture<String> told = new CompletableFuture<>();
        Thread reader = new Thread(() -> {
            process.inputReader().lines().forEach(told::complete); // The first is written once the server listens.
            told.complete("its message is above");
        }, "mockkms-output");
        reader.setDaemon(true);
        reader.start();
        told.completeOnTimeout("silent for " + limit + " ms (MOCKKMS_TIMEOUT)", limit, TimeUnit.MILLISECONDS);
        if (!told.join().startsWith("{")) {
            process.destroyForcibly();
            throw new IOException(line + " did not start: " + told.join());
        }
        Map<String, Object> ready = Json.object(Json.read(told.join()));
        return new Server((String) ready.get("url"), (String) ready.get("ca_file"), process);
    }

    /** How many milliseconds to wait for a server: MOCKKMS_TIMEOUT seconds, by default a minute. */
    static long limit() {
        String given = System.getenv().getOrDefault("MOCKKMS_TIMEOUT", "");
        double seconds = given.isEmpty() ? 60 : given.matches("[0-9]+(\\.[0-9]+)?") ? Double.parseDouble(given) : 0;
        if (seconds < 0.001 || seconds > 86400) {
            throw new IllegalStateException("MOCKKMS_TIMEOUT=" + given + ": expected seconds, from 0.001 to 86400");
        }
        return (long) (seconds * 1000);
    }

    @Override
    public void close() throws Exception {
        if (process != null) {
            process.getOutputStream().close();
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                System.err.println("mockkms: the server did not stop within 10 s and was killed");
                process.destroyForcibly();
            }
        }
    }
}

package mockkms.junit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.extension.ExtensionContext;

/** The server of all tests. */
record Server(String url, String caFile, Process process) implements ExtensionContext.Store.CloseableResource {
    /** Use the server at MOCKKMS_URL, or start one with flags of {@code mockkms serve}. */
    static Server connect(String flags) {
        String url = System.getenv("MOCKKMS_URL");
        try {
            return url == null ? start(flags) : new Server(url.replaceAll("/+$", ""), System.getenv().getOrDefault("MOCKKMS_CACERT", ""), null);
        } catch (IOException error) {
            throw new UncheckedIOException(error.getMessage() + " (pip install mockkms, or set MOCKKMS_COMMAND or MOCKKMS_URL)", error);
        }
    }

    private static Server start(String flags) throws IOException {
        Path ready = Files.createTempFile("mockkms-", ".json");
        List<String> command = new ArrayList<>(words(System.getenv().getOrDefault("MOCKKMS_COMMAND", "mockkms")));
        // It ends with its standard input, so that it does not outlive a test process that is killed.
        command.addAll(List.of("serve", "--port", "0", "--stop-on-eof", "--ready-file", ready.toString()));
        command.addAll(words(flags));
        try {
            Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            BufferedReader output = new BufferedReader(new InputStreamReader(process.getInputStream()));
            if (output.readLine() == null) { // Written once the server listens and the ready file is complete.
                throw new IOException(command + " did not start; its message is above");
            }
            Thread reader = new Thread(() -> output.lines().forEach(line -> {}), "mockkms-output");
            reader.setDaemon(true);
            reader.start();
            Map<String, Object> told = Json.object(Json.read(Files.readString(ready)));
            return new Server((String) told.get("url"), (String) told.get("ca_file"), process);
        } finally {
            Files.deleteIfExists(ready);
        }
    }

    private static List<String> words(String text) {
        return text.isBlank() ? List.of() : List.of(text.strip().split("\\s+"));
    }

    @Override
    public void close() throws Exception {
        if (process != null) {
            process.getOutputStream().close();
            process.waitFor();
        }
    }
}

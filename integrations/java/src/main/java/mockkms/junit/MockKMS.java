package mockkms.junit;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The world of one test: an emulated Vault or OpenBao with faults, a clock and a journal. */
public final class MockKMS {
    private final String url;
    private final String caFile;
    final Runnable drop;
    private final HttpClient client;
    private String token = "";

    MockKMS(String url, String caFile, Runnable drop) {
        this.url = url;
        this.caFile = caFile;
        this.drop = drop;
        HttpClient.Builder builder = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1);
        this.client = (caFile.isEmpty() ? builder : builder.sslContext(sslContext())).build();
    }

    /** Load worlds in YAML over the server's. */
    void load(String... worlds) {
        if (worlds.length > 0) {
            control("POST", "world", Map.of("worlds", List.of(worlds)));
        }
        token = (String) control("GET", "state", null).get("token");
    }

    /** The address for clients: the value of VAULT_ADDR. */
    public String url() { return url; }

    /** The root token. */
    public String token() { return token; }

    /** A file with the CA certificate in PEM, for VAULT_CACERT; empty without TLS. */
    public String caFile() { return caFile; }

    /** A client that trusts the server's certificate. */
    public HttpClient httpClient() { return client; }

    /** Trusts the server's certificate; for servers with TLS. */
    public SSLContext sslContext() {
        try (var pem = Files.newInputStream(Path.of(caFile))) {
            KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
            trusted.load(null, null);
            trusted.setCertificateEntry("mockkms", CertificateFactory.getInstance("X.509").generateCertificate(pem));
            TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            factory.init(trusted);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, factory.getTrustManagers(), null);
            return context;
        } catch (Exception error) {
            throw new IllegalStateException("cannot read " + caFile, error);
        }
    }

    /** Add a fault rule, with the keys of docs/faults.md. Returns its id. */
    public String addFault(Map<String, ?> rule) { return (String) control("POST", "faults", rule).get("id"); }

    public void removeFault(String id) { control("DELETE", "faults/" + id, null); }

    /** How often a rule fired. */
    public long fired(String id) { return (Long) control("GET", "faults/" + id, null).get("fired"); }

    /** Stop the clock as it is. */
    public void freeze() { control("POST", "clock", Map.of("freeze", true)); }

    /** Stop the clock at a time. */
    public void freeze(Instant at) { control("POST", "clock", Map.of("freeze", at.toString())); }

    /** Move the clock forward: what expires in this time is expired afterwards. */
    public void advance(Duration by) { control("POST", "clock", Map.of("advance", by.toNanos() / 1e9)); }

    /** The time of the world's clock. */
    public Instant now() { return Instant.parse((String) control("GET", "clock", null).get("now")); }

    /** Seal the server, for this test alone. */
    public void seal() { control("POST", "state", Map.of("seal", true)); }

    public void unseal() { control("POST", "state", Map.of("unseal", true)); }

    /** Save the world under a name. */
    public void snapshot(String name) { control("POST", "snapshots/" + name, null); }

    /** Return to a snapshot. */
    public void restore(String name) { control("POST", "snapshots/" + name + "/restore", null); }

    /** The requests that match, in their order: method, path, operation, status, faults, headers, body, answer, … */
    public List<Map<String, Object>> journal(Map<String, ?> match) {
        return ((List<?>) control("POST", "journal", match).get("entries")).stream().map(Json::object).toList();
    }

    /** The requests as a table in text. */
    public String table() { return send("GET", "journal?format=table", null).body(); }

    /** Fails unless a request matches; with "times" in the match, unless exactly so many do. */
    public void assertCalled(Map<String, ?> match) { control("POST", "journal/assert", Map.of("called", match)); }

    /** Fails if a request matches. */
    public void assertNotCalled(Map<String, ?> match) { control("POST", "journal/assert", Map.of("not_called", match)); }

    /** Fails unless requests match in this order. */
    public void assertOrder(List<Map<String, ?>> matches) { control("POST", "journal/assert", Map.of("order", matches)); }

    /** Fails if a rule never fired. */
    public void assertFaultsFired() { control("POST", "journal/assert", Map.of("faults_fired", true)); }

    /** Fails if a request was sent to a path that is not emulated. */
    public void assertNoUnhandled() { control("POST", "journal/assert", Map.of("no_unhandled", true)); }

    /** Send any request of the control API (docs/control.md); its JSON. Fails with the message of an error. */
    public Map<String, Object> control(String method, String path, Object body) {
        HttpResponse<String> response = send(method, path, body);
        Map<String, Object> told = response.body().startsWith("{") ? Json.object(Json.read(response.body())) : Map.of();
        if (response.statusCode() == 200) {
            return told;
        }
        throw new AssertionError(told.getOrDefault("message", response.body()) + " (" + told.getOrDefault("path", path) + ")");
    }

    HttpResponse<String> send(String method, String path, Object body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/_mockkms/" + path))
            .method(method, HttpRequest.BodyPublishers.ofString(body == null ? "" : Json.write(body)));
        Optional.ofNullable(System.getenv("MOCKKMS_CONTROL_TOKEN")).ifPresent(control -> request.header("X-Mockkms-Token", control));
        long limit = Server.limit(); // Of the whole response: that of a request ends with the response's headers.
        try {
            return client.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString()).orTimeout(limit, TimeUnit.MILLISECONDS).join();
        } catch (CompletionException error) {
            String what = "no response from " + url + " (MOCKKMS_TIMEOUT: " + limit + " ms): " + error.getCause();
            throw new IllegalStateException(what, error.getCause());
        }
    }
}

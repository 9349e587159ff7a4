package mockkms.junit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

@WithMockKMS
class MockKMSTest {
    private final List<MockKMS> seen = new ArrayList<>();

    static int read(MockKMS kms, String path) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(kms.url() + "/v1/" + path)).header("X-Vault-Token", kms.token()).build();
        return kms.httpClient().send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }

    @BeforeEach
    void aWorldForAll(MockKMS kms) {
        assertTrue(kms.journal(Map.of()).isEmpty());
        seen.add(kms);
    }

    @Test
    void faultsAndJournal(MockKMS kms) throws Exception {
        assertEquals(List.of(kms), seen);
        String id = kms.addFault(Map.of("path", "secret/*", "answer", "sealed", "times", 1, "note", "\"\\\n\u00e9"));
        assertEquals(503, read(kms, "secret/data/app"));
        assertEquals(404, read(kms, "secret/data/app"));
        assertEquals(1, kms.fired(id));
        Map<String, Object> first = kms.journal(Map.of()).get(0);
        assertEquals(503L, first.get("status"));
        assertEquals(List.of(id), first.get("faults"));
        assertTrue(((String) first.get("answer")).contains("{\"errors\":[\""), first.toString());
        kms.removeFault(id);
        kms.assertCalled(Map.of("path", "secret/data/app", "times", 2));
        kms.assertNotCalled(Map.of("path", "transit/*"));
        kms.assertOrder(List.of(Map.of("status", 503), Map.of("status", 404)));
        assertThrows(AssertionError.class, () -> kms.assertOrder(List.of(Map.of("status", 404), Map.of("status", 503))));
        AssertionError error = assertThrows(AssertionError.class, () -> kms.assertCalled(Map.of("path", "secret/data/other")));
        assertTrue(error.getMessage().contains("at least once, got 0"), error.getMessage());
    }

    @Test
    @WithMockKMS(world = "vault: {root_token: other}")
    void clockSealAndSnapshots(MockKMS kms) throws Exception {
        assertEquals("other", kms.token());
        kms.freeze(Instant.parse("2026-01-01T00:00:00Z"));
        kms.snapshot("before");
        kms.advance(Duration.ofMinutes(90));
        assertEquals(Instant.parse("2026-01-01T01:30:00Z"), kms.now());
        kms.seal();
        assertEquals(503, read(kms, "secret/data/app"));
        kms.unseal();
        kms.restore("before");
        kms.freeze();
        assertEquals(Instant.parse("2026-01-01T00:00:00Z"), kms.now());
    }

    @Test
    void aBadRuleSaysWhy(MockKMS kms) {
        AssertionError error = assertThrows(AssertionError.class, () -> kms.addFault(Map.of("path", "secret/*", "answr", "sealed")));
        assertTrue(error.getMessage().contains("answr"), error.getMessage());
    }

    @Test
    void aPathThatIsNotEmulatedFailsTheTestUnlessItMay() {
        SummaryGeneratingListener listener = new SummaryGeneratingListener();
        LauncherDiscoveryRequest request = LauncherDiscoveryRequestBuilder.request().selectors(selectClass(NotEmulated.class))
            .configurationParameter("mockkms.flags", System.getenv().getOrDefault("TEST_FLAGS", "")).build();
        LauncherFactory.create().execute(request, listener);
        var failures = listener.getSummary().getFailures();
        assertEquals(1, failures.size());
        assertTrue(failures.get(0).getException().getMessage().contains("nowhere/x"));
        assertEquals(2, listener.getSummary().getTestsSucceededCount());
    }

    @WithMockKMS(strict = false)
    static class NotEmulated {
        @Test
        @WithMockKMS
        void strict(MockKMS kms) throws Exception {
            read(kms, "nowhere/x");
        }

        @Test
        void lenient(MockKMS kms) throws Exception {
            read(kms, "nowhere/x");
        }

        @Nested
        class Inner {
            @Test
            void asTheClassAround(MockKMS kms) throws Exception {
                read(kms, "nowhere/x");
            }
        }
    }
}

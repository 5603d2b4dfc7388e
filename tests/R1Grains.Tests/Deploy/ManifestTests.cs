using System.Text.RegularExpressions;

namespace R1Grains.Tests.Deploy;

/// <summary>No cluster runs here, so what can be known of the manifests without one is checked.</summary>
public sealed partial class ManifestTests
{
    private static readonly string Kubernetes = Repository.PathOf("deploy/kubernetes");

    [Theory]
    [InlineData("cpu")]
    [InlineData("gpu")]
    public void An_overlay_is_whole(string overlay) => Assert.Empty(Faults(Kubernetes, overlay));

    /// <summary>Each kind of mistake that is looked for is made once.</summary>
    [Theory]
    // What Kubernetes itself would refuse, or worse, ignore.
    [InlineData("base/gateway.yaml", "minReadySeconds: 10", "minReadySecond: 10", "gateway.yaml is not what Kubernetes takes")]
    [InlineData("base/gateway.yaml", "containerPort: 11111", "containerPort: silo", "gateway.yaml is not what Kubernetes takes")]
    [InlineData("base/inference.yaml", "kind: StatefulSet", "kind: StatefullSet", "inference.yaml is not what Kubernetes takes")]
    [InlineData("base/kustomization.yaml", "- scaling.yaml", "- scale.yaml", "scale.yaml is listed and does not exist")]
    [InlineData("base/kustomization.yaml", "  - scaling.yaml\n", "", "scaling.yaml is listed by no kustomization")]
    [InlineData("base/kustomization.yaml", "[engine.env]", "[engines.env]", "engines.env is listed and does not exist")]
    [InlineData("overlays/cpu/inference.yaml", "name: r1grains-inference", "name: r1grains-inferenz", "a patch is for StatefulSet r1grains-inferenz")]
    [InlineData("components/stores/network.yaml", "name: r1grains-redis", "name: r1grains-postgresql", "NetworkPolicy r1grains-postgresql is there twice")]
    // Names that must meet.
    [InlineData("base/gateway.yaml", "targetPort: grpc", "targetPort: gprc", "leads to port gprc")]
    [InlineData("base/gateway.yaml", "  selector:\n    app.kubernetes.io/name: r1grains\n    app.kubernetes.io/component: gateway\n", "  selector:\n    app.kubernetes.io/name: r1grains\n    app.kubernetes.io/component: gate\n", "Service r1grains-gateway selects the pods of 0 workloads")]
    [InlineData("base/gateway.yaml", "    matchLabels:\n      app.kubernetes.io/name: r1grains\n      app.kubernetes.io/component: gateway\n  template", "    matchLabels:\n      app.kubernetes.io/name: r1grains\n      app.kubernetes.io/component: gate\n  template", "does not select its own pods")]
    [InlineData("base/conversation.yaml", "serviceName: r1grains-conversation", "serviceName: r1grains-conversations", "which is no headless Service")]
    [InlineData("base/disruption.yaml", "      app.kubernetes.io/component: inference", "      app.kubernetes.io/component: inferenz", "StatefulSet r1grains-inference has no PodDisruptionBudget|PodDisruptionBudget r1grains-inference is not for the pods of one workload")]
    [InlineData("base/inference.yaml", "serviceAccountName: r1grains-inference", "serviceAccountName: inference", "runs as inference, which does not exist")]
    [InlineData("base/inference.yaml", "      automountServiceAccountToken: false\n", "", "gets a token of Kubernetes")]
    [InlineData("base/inference.yaml", "name: r1grains-engine", "name: r1grains-engines", "uses ConfigMap r1grains-engines")]
    [InlineData("base/conversation.yaml", "key: redis", "key: redis-url", "uses key redis-url of Secret r1grains-connections")]
    [InlineData("base/gateway.yaml", "secretName: r1grains-token-issuer", "secretName: r1grains-issuer", "of Secret r1grains-issuer")]
    [InlineData("overlays/gpu/inference.yaml", "claimName: r1grains-model", "claimName: models", "uses PersistentVolumeClaim models")]
    [InlineData("base/conversation.yaml", "- name: data\n              mountPath", "- name: date\n              mountPath", "mounts date, which is no volume")]
    [InlineData("base/scaling.yaml", "kind: Deployment", "kind: StatefulSet", "scales r1grains-gateway, which does not exist")]
    [InlineData("overlays/gpu/inference.yaml", "image: r1grains-gpu", "image: r1grains-cuda", "runs r1grains-cuda, which the overlay maps to no image")]
    // What the host makes of it.
    [InlineData("base/settings.env", "R1__TurnTimeout=", "R1__TurnTimeOut=", "sets R1__TurnTimeOut, which the host does not know")]
    [InlineData("overlays/cpu/inference.yaml", "R1__Engine__Threads", "R1__Engine__Thread", "sets R1__Engine__Thread, which the host does not know")]
    [InlineData("base/settings.env", "00:05:00", "300", "R1__TurnTimeout is '300'")]
    [InlineData("base/gateway.yaml", "value: gateway", "value: gate", "R1__Roles has 'gate'")]
    [InlineData("base/gateway.yaml", "value: gateway", "value: conversation", "has other roles than its name says")]
    [InlineData("base/gateway.yaml", "- name: POD_NAME\n", "- name: POD\n", "uses $(POD_NAME) in R1__Silo__Name before it is set")]
    [InlineData("base/inference.yaml", "$(POD_IP):11111", "0.0.0.0:11111", "is not reached by other silos")]
    [InlineData("base/inference.yaml", "terminationGracePeriodSeconds: 90", "terminationGracePeriodSeconds: 60", "is killed 60 s after it is asked to stop, and may need 70 s")]
    [InlineData("base/settings.env", "R1__ShutdownTimeout=00:01:00", "R1__ShutdownTimeout=00:01:30", "is killed 100 s after it is asked to stop, and may need 110 s")]
    [InlineData("base/gateway.yaml", "              sleep:\n                seconds: 10\n", "              sleep:\n                seconds: 40\n", "may need 110 s")]
    [InlineData("base/inference.yaml", "              port: 5080\n            periodSeconds: 5\n            failureThreshold: 120", "              port: 5080\n            periodSeconds: 5\n            failureThreshold: 12", "has no time to load a large model")]
    [InlineData("base/settings.env", "0.0.0.0:5080", "0.0.0.0:5081", "is not asked for its liveness where it listens")]
    // What it may do.
    [InlineData("base/gateway.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "may run as root")]
    [InlineData("components/stores/redis.yaml", "drop: [ALL]", "drop: [NET_RAW]", "may have privileges")]
    [InlineData("base/inference.yaml", "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "may write to its image")]
    [InlineData("base/settings.env", "/var/lib/r1grains", "/data", "cannot write to /data")]
    [InlineData("overlays/gpu/inference.yaml", "memory: 32Gi\n              nvidia.com/gpu: \"1\"\n          volumeMounts", "memory: 32Gi\n          volumeMounts", "computes on a GPU and gets 0 GPUs")]
    [InlineData("overlays/gpu/inference.yaml", "value: cuda", "value: cpu", "computes on the CPU and gets 1 GPUs")]
    [InlineData("overlays/gpu/kustomization.yaml", "newTag: 0.1.0-gpu", "newTag: 0.1.0", "has an image without CUDA")]
    // Who reaches whom.
    [InlineData("base/network.yaml", "port: 11111", "port: 11112", "lets in to port 11112, where not all of its pods listen")]
    [InlineData("base/network.yaml", "  egress:\n    - to:\n        - podSelector:\n            matchLabels:\n              app.kubernetes.io/name: r1grains\n      ports:\n        - protocol: TCP\n          port: 11111\n", "", "does not reach StatefulSet r1grains-inference on port 11111")]
    [InlineData("base/network.yaml", "app.kubernetes.io/part-of: r1grains\n  policyTypes: [Ingress, Egress]\n---", "app.kubernetes.io/part-of: r1grains\n  policyTypes: [Ingress]\n---", "is open where no policy speaks of it")]
    [InlineData("components/stores/network.yaml", "    - from:\n        - podSelector:\n            matchLabels:\n              app.kubernetes.io/name: r1grains\n", "    - from:\n        - podSelector:\n            matchLabels:\n              app.kubernetes.io/name: psql\n", "lets in pods that do not exist|is reached by others than silos")]
    [InlineData("components/stores/network.yaml", "port: 6379", "port: 6380", "lets in to port 6380")]
    [InlineData("components/queue-scaling/settings.env", ":4317", ":4318", "is not let out to the collector")]
    [InlineData("components/silo-tls/settings.env", "R1__Silo__Key=/run/secrets/r1grains-silo/tls.key\n", "", "R1__Silo__Key is not")]
    [InlineData("components/silo-tls/inference.yaml", "secretName: r1grains-silo-tls", "secretName: r1grains-silo", "uses key tls.key of Secret r1grains-silo,")]
    [InlineData("components/silo-tls/gateway.yaml", "- name: silo-tls\n              mountPath", "- name: tls\n              mountPath", "Deployment r1grains-gateway mounts tls, which is no volume")]
    // How it grows.
    [InlineData("base/gateway.yaml", "  minReadySeconds: 10\n", "  minReadySeconds: 10\n  replicas: 2\n", "names its replicas")]
    [InlineData("base/scaling.yaml", "minReplicas: 2", "minReplicas: 1", "may be one pod")]
    [InlineData("base/scaling.yaml", "averageUtilization: 70", "averageUtilization: 90", "is not scaled by CPU")]
    [InlineData("base/scaling.yaml", "stabilizationWindowSeconds: 600", "stabilizationWindowSeconds: 60", "is scaled down in haste")]
    [InlineData("components/queue-scaling/autoscaler.yaml", "r1grains_engine_requests_waiting", "r1grains_requests_waiting", "is scaled by r1grains_requests_waiting")]
    [InlineData("components/stores/postgresql.conf", "max_connections = 550", "max_connections = 200", "may ask PostgreSQL for more than its 200 connections")]
    public void A_mistake_is_found(string file, string right, string wrong, string fault)
    {
        using var folder = new TemporaryFolder();
        Repository.Copy(Kubernetes, folder.Path);
        var path = Path.Combine(folder.Path, file);
        var text = File.ReadAllText(path);
        Assert.Contains(right, text);
        // Once, or everywhere where the same word names the same thing.
        File.WriteAllText(path, text.Replace(right, wrong, StringComparison.Ordinal));

        string[] faults = [.. Faults(folder.Path, "cpu"), .. Faults(folder.Path, "gpu")];
        foreach (var words in fault.Split('|'))
            Assert.Contains(faults, found => found.Contains(words, StringComparison.Ordinal));
    }

    [Fact]
    public void What_the_record_stands_on_is_set()
    {
        var settings = File.ReadLines(Path.Combine(Kubernetes, "components/stores/postgresql.conf")).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0].Trim(), pair => pair[1].Trim());
        Assert.All(["fsync", "synchronous_commit", "full_page_writes"], name => Assert.Equal("on", settings[name]));
        Assert.Equal("replica", settings["wal_level"]);
        Assert.Contains("synchronous_standby_names", settings.Keys);
        // Words of customers are parameters, and must not get into a log.
        Assert.All(["log_parameter_max_length", "log_parameter_max_length_on_error"], name => Assert.Equal("0", settings[name]));
        Assert.Contains("--data-checksums", Repository.Read("deploy/kubernetes/components/stores/postgresql.yaml"));

        string[] redis = File.ReadAllLines(Path.Combine(Kubernetes, "components/stores/redis.conf"));
        Assert.All(["appendonly yes", "maxmemory-policy noeviction", "rename-command FLUSHALL \"\""], line => Assert.Contains(line, redis));
    }

    private static IReadOnlyList<string> Faults(string kubernetes, string overlay) =>
        new ManifestChecks(Overlay.Load(Path.Combine(kubernetes, "overlays", overlay)), Provided()).Faults();

    /// <summary>The rows of the README's table of what an operator provides: kind and name, and the keys of it.</summary>
    private static HashSet<string> Provided()
    {
        var provided = new HashSet<string>();
        foreach (Match row in Row().Matches(Repository.Read("deploy/README.md")))
        {
            var name = $"{row.Groups["kind"]} {row.Groups["name"]}";
            provided.Add(name);
            foreach (Match key in Key().Matches(row.Groups["keys"].Value)) provided.Add($"{name}/{key.Groups[1]}");
        }
        return provided;
    }

    [GeneratedRegex(@"^\| (?<kind>Secret|PersistentVolumeClaim) `(?<name>[\w-]+)` \| (?<keys>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Key();
}

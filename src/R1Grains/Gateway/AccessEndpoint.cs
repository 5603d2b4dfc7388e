using System.Globalization;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using R1Grains.Access;
using R1Grains.Conversations;
using R1Grains.Ledger;

namespace R1Grains.Gateway;

/// <summary>Where a tenant appoints its people and gives keys to its programs.</summary>
internal sealed class AccessEndpoint(IRegistry registry, PageTokens pages, TimeProvider time) : V1.AccessService.AccessServiceBase
{
    private const string BindingList = "role-bindings";
    private const string KeyList = "api-keys";
    private const int DisplayNameLengthMax = 128;
    private const int TestedMax = 100;

    private static readonly TimeSpan KeyLifetime = TimeSpan.FromDays(90);
    private static readonly TimeSpan KeyLifetimeMax = TimeSpan.FromDays(366);

    [Asks<TenantName>(Permission.ManageAccess, "parent")]
    public override async Task<V1.RoleBinding> CreateRoleBinding(V1.CreateRoleBindingRequest request, ServerCallContext context)
    {
        var (parent, caller, requestId) = (context.Resource<TenantName>(), context.Caller(), RequestId.Parse(request.RequestId));
        if (request.RoleBinding?.Subject is not { } subject || !Caller.IsSubject(subject))
            throw Refuse.Field(Reason.InvalidArgument, "role_binding.subject", $"role_binding.subject is not 1 to {Caller.SubjectLengthMax} characters: write it as tokens do");
        if (CertificateSubject.IsOne(subject) && !CertificateSubject.IsWhole(subject))
            throw Refuse.Field(Reason.InvalidArgument, "role_binding.subject", $"no certificate is {Refuse.Quote(subject)}: write {CertificateSubject.Prefix} with uri:, dns: (in small letters) or cn: and the name behind it, e.g. {CertificateSubject.Prefix}dns:desk.bank.example");
        RequireOther(caller, subject);
        var roles = Roles(request.RoleBinding.Roles, "role_binding.roles");
        if (CertificateSubject.IsOne(subject)) RequireForPrograms(roles, "role_binding.roles");
        var binding = new RoleBinding(subject, roles, caller.Subject, time.GetUtcNow(), requestId);
        var name = new BindingName(parent.Tenant, RoleBinding.IdOf(subject));
        try
        {
            return ToWire(name, binding, await Keep(name, "access.bind", 0, binding, request.Purpose, context));
        }
        catch (DocumentConflictException)
        {
            var (version, there) = await Binding(name, context);
            return IsRepeated(there, binding)
                ? ToWire(name, there, version)
                : throw new RefusedException(new(Reason.RoleBindingExists, $"{Refuse.Quote(subject)} has the role binding {name} already: change that one"));
        }
    }

    [Asks<BindingName>(Permission.ManageAccess, "name")]
    public override async Task<V1.RoleBinding> GetRoleBinding(V1.GetRoleBindingRequest request, ServerCallContext context)
    {
        var name = context.Resource<BindingName>();
        var (version, binding) = await Binding(name, context);
        return ToWire(name, binding, version);
    }

    [Asks<TenantName>(Permission.ManageAccess, "parent")]
    public override async Task<V1.ListRoleBindingsResponse> ListRoleBindings(V1.ListRoleBindingsRequest request, ServerCallContext context)
    {
        var (items, next) = await Page(RoleBinding.Kind, BindingList, request.PageSize, request.PageToken, context);
        return new()
        {
            RoleBindings = { items.Select(document => ToWire(new(document.Key.Tenant, document.Key.Id), Grants.Binding(document) ?? throw Unreadable(document), document.Version)) },
            NextPageToken = next,
        };
    }

    [Asks<BindingName>(Permission.ManageAccess, "name")]
    public override async Task<V1.RoleBinding> UpdateRoleBinding(V1.UpdateRoleBindingRequest request, ServerCallContext context)
    {
        var (name, caller, requestId) = (context.Resource<BindingName>(), context.Caller(), RequestId.Parse(request.RequestId));
        var roles = Roles(request.Roles, "roles");
        var (version, there) = await Binding(name, context);
        RequireOther(caller, there.Subject);
        if (CertificateSubject.IsOne(there.Subject)) RequireForPrograms(roles, "roles");
        var binding = there with { Roles = roles, UpdatedBy = caller.Subject, UpdatedAt = time.GetUtcNow(), RequestId = requestId };
        if (IsRepeated(there, binding))
            return ToWire(name, there, version);
        return ToWire(name, binding, await Keep(name, "access.bind", Etag.Parse(request.Etag, version), binding, request.Purpose, context));
    }

    [Asks<BindingName>(Permission.ManageAccess, "name")]
    public override async Task<Empty> DeleteRoleBinding(V1.DeleteRoleBindingRequest request, ServerCallContext context)
    {
        var name = context.Resource<BindingName>();
        RequestId.Parse(request.RequestId);
        var (version, binding) = await Binding(name, context);
        await Change(
            Record(name, "access.unbind", request.Purpose, context, [new("subject", binding.Subject)]), new(RoleBinding.Kind, name.Binding, Etag.Parse(request.Etag, version), null), context);
        return new();
    }

    [Asks<TenantName>(Permission.ManageAccess, "parent")]
    public override async Task<V1.CreateApiKeyResponse> CreateApiKey(V1.CreateApiKeyRequest request, ServerCallContext context)
    {
        var (parent, caller, requestId, now) = (context.Resource<TenantName>(), context.Caller(), RequestId.Parse(request.RequestId), time.GetUtcNow());
        if (!ResourceName.IsId(request.ApiKeyId))
            throw Refuse.Field(Reason.InvalidName, "api_key_id", $"api_key_id {Refuse.Quote(request.ApiKeyId)} is not 1 to 63 characters of a-z, 0-9 and '-' beginning with a letter or digit");
        var wanted = request.ApiKey ?? new();
        var roles = Roles(wanted.Roles, "api_key.roles");
        RequireForPrograms(roles, "api_key.roles");
        if (wanted.DisplayName.Length > DisplayNameLengthMax)
            throw Refuse.Field(Reason.InvalidArgument, "api_key.display_name", $"api_key.display_name has {wanted.DisplayName.Length} characters: write at most {DisplayNameLengthMax}");
        var expires = Expiry(wanted.ExpireTime, now);

        var secret = ApiKey.NewSecret();
        var key = new ApiKey(parent.Tenant, request.ApiKeyId, wanted.DisplayName, ApiKey.HashOf(secret), roles, caller.Subject, now, expires, null, requestId);
        var name = new KeyName(parent.Tenant, key.Id);
        try
        {
            await registry.ChangeAsync(
                Record(name, "access.key.create", request.Purpose, context, [.. roles.Select(role => new Label("role", role)), new("expires", Text(expires))]),
                [new(ApiKey.Kind, key.Id, 0, Grants.Content(key))],
                CancellationToken.None);
        }
        catch (DocumentConflictException)
        {
            throw new RefusedException(new(Reason.ApiKeyExists, $"{name} exists already, and its secret is shown only once: choose another api_key_id, and revoke this one if its secret was lost"));
        }
        return new() { ApiKey = ToWire(name, key), Secret = secret };
    }

    [Asks<TenantName>(Permission.ManageAccess, "parent")]
    public override async Task<V1.ListApiKeysResponse> ListApiKeys(V1.ListApiKeysRequest request, ServerCallContext context)
    {
        var (items, next) = await Page(ApiKey.Kind, KeyList, request.PageSize, request.PageToken, context);
        return new()
        {
            ApiKeys = { items.Select(document => ToWire(new(document.Key.Tenant, document.Key.Id), Grants.Key(document) ?? throw Unreadable(document))) },
            NextPageToken = next,
        };
    }

    [Asks<KeyName>(Permission.ManageAccess, "name")]
    public override async Task<V1.ApiKey> RevokeApiKey(V1.RevokeApiKeyRequest request, ServerCallContext context)
    {
        var name = context.Resource<KeyName>();
        RequestId.Parse(request.RequestId);
        // Two who revoke at once have both revoked it.
        while (true)
        {
            var document = await registry.FindAsync(new(name.Tenant, ApiKey.Kind, name.Key), context.CancellationToken)
                ?? throw new RefusedException(new(Reason.ApiKeyNotFound, $"{name} does not exist"));
            var key = Grants.Key(document) ?? throw Unreadable(document);
            if (key.RevokedAt is not null)
                return ToWire(name, key);
            var revoked = key with { RevokedAt = time.GetUtcNow() };
            try
            {
                await registry.ChangeAsync(Record(name, "access.key.revoke", request.Purpose, context, []), [new(ApiKey.Kind, name.Key, document.Version, Grants.Content(revoked))], CancellationToken.None);
                return ToWire(name, revoked);
            }
            catch (DocumentConflictException)
            {
                context.CancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    [AsksTenant("parent")]
    public override Task<V1.TestPermissionsResponse> TestPermissions(V1.TestPermissionsRequest request, ServerCallContext context)
    {
        if (request.Permissions.Count > TestedMax)
            throw Refuse.Field(Reason.InvalidArgument, "permissions", $"permissions has {request.Permissions.Count} names: ask for at most {TestedMax} at once");
        var caller = context.Caller();
        return Task.FromResult(new V1.TestPermissionsResponse
        {
            Permissions =
            {
                request.Permissions.Where(name => caller.May(PermissionSet.Find(name)
                    ?? throw Refuse.Field(Reason.InvalidArgument, "permissions", $"permission {Refuse.Quote(name)} is not known: there are {string.Join(", ", PermissionSet.Known.Order().Select(known => known.Name()))}"))),
            },
        });
    }

    /// <returns>The version after it.</returns>
    private async Task<long> Keep(BindingName name, string action, long expected, RoleBinding binding, string purpose, ServerCallContext context)
    {
        var record = Record(name, action, purpose, context, [new("subject", binding.Subject), .. binding.Roles.Select(role => new Label("role", role))]);
        var change = new DocumentChange(RoleBinding.Kind, name.Binding, expected, Grants.Content(binding));
        return expected == 0 ? (await registry.ChangeAsync(record, [change], CancellationToken.None)).Record.Documents[0].Version : await Change(record, change, context);
    }

    /// <summary>A change of what was read: where somebody else was first, it is refused.</summary>
    private async Task<long> Change(AdministrativeRecord record, DocumentChange change, ServerCallContext context)
    {
        context.CancellationToken.ThrowIfCancellationRequested();
        try
        {
            return (await registry.ChangeAsync(record, [change], CancellationToken.None)).Record.Documents[0].Version;
        }
        catch (DocumentConflictException)
        {
            throw Etag.Mismatch(version: null);
        }
    }

    private AdministrativeRecord Record(ResourceName name, string action, string purpose, ServerCallContext context, IReadOnlyList<Label> details) => new()
    {
        Tenant = name.Tenant,
        Time = time.GetUtcNow(),
        Actor = context.Caller().Subject,
        Action = action,
        Resource = name.ToString(),
        Purpose = Purpose.Parse(purpose),
        Details = details,
    };

    private async Task<(long Version, RoleBinding Binding)> Binding(BindingName name, ServerCallContext context)
    {
        var document = await registry.FindAsync(new(name.Tenant, RoleBinding.Kind, name.Binding), context.CancellationToken)
            ?? throw new RefusedException(new(Reason.RoleBindingNotFound, $"{name} does not exist"));
        return (document.Version, Grants.Binding(document) ?? throw Unreadable(document));
    }

    private async Task<(IReadOnlyList<Document> Items, string Next)> Page(string kind, string list, int pageSize, string pageToken, ServerCallContext context)
    {
        var (parent, caller) = (context.Resource<TenantName>(), context.Caller());
        var size = PageTokens.Size(pageSize);
        var items = await registry.ListAsync(parent.Tenant, kind, size, pages.OpenText(list, parent, caller, pageToken), context.CancellationToken);
        return (items, pages.SealText(list, parent, caller, items.Count == size ? items[^1].Key.Id : null));
    }

    /// <summary>Who may appoint would else have every role.</summary>
    private static void RequireOther(Caller caller, string subject)
    {
        if (caller.Subject == subject)
            throw new RefusedException(new(Reason.PermissionDenied, "nobody gives roles to themselves: somebody else with manage_access has to"));
    }

    private static string[] Roles(RepeatedField<string> names, string field)
    {
        if (names.Count == 0)
            throw Refuse.Field(Reason.InvalidArgument, field, $"{field} is empty: name at least one of {string.Join(", ", Role.All.Where(role => !role.IsOfCluster).Select(role => role.Name))}");
        foreach (var name in names)
        {
            if (Role.Find(name) is not { } role)
                throw Refuse.Field(Reason.InvalidArgument, field, $"role {Refuse.Quote(name)} is not known: there are {string.Join(", ", Role.All.Where(known => !known.IsOfCluster).Select(known => known.Name))}");
            if (role.IsOfCluster)
                throw Refuse.Field(Reason.InvalidArgument, field, $"the role {name} reaches beyond a tenant: the issuer of tokens gives it");
        }
        return [.. names.Distinct().Order(StringComparer.Ordinal)];
    }

    private static void RequireForPrograms(string[] roles, string field)
    {
        if (roles.FirstOrDefault(role => !Role.Find(role)!.IsForPrograms) is { } personal)
            throw Refuse.Field(Reason.InvalidArgument, field, $"the role {personal} takes a person: keys and certificates can have {string.Join(" or ", Role.All.Where(role => role.IsForPrograms).Select(role => role.Name))}");
    }

    private static DateTimeOffset Expiry(Timestamp? asked, DateTimeOffset now)
    {
        if (asked is null)
            return now + KeyLifetime;
        var latest = now + KeyLifetimeMax;
        // Beyond what a time can hold is beyond a year, too.
        return asked.Seconds > now.ToUnixTimeSeconds() && asked.Seconds <= latest.ToUnixTimeSeconds() && asked.Nanos is >= 0 and < 1_000_000_000
            ? asked.ToDateTimeOffset()
            : throw Refuse.Field(Reason.InvalidArgument, "api_key.expire_time", $"api_key.expire_time is not between now and {KeyLifetimeMax.TotalDays:0} days ahead");
    }

    /// <summary>The answer to the same request was lost.</summary>
    private static bool IsRepeated(RoleBinding there, RoleBinding wanted) =>
        there.RequestId == wanted.RequestId && there.UpdatedBy == wanted.UpdatedBy && there.Subject == wanted.Subject && there.Roles.SequenceEqual(wanted.Roles);

    private static RefusedException Unreadable(Document document) => new(new(Reason.Internal, $"the {document.Key} cannot be read: delete it, or verify the record"));

    private static V1.RoleBinding ToWire(BindingName name, RoleBinding binding, long version) => new()
    {
        Name = name.ToString(),
        Subject = binding.Subject,
        Roles = { binding.Roles },
        Etag = Etag.Of(version),
        UpdateTime = binding.UpdatedAt.ToTimestamp(),
        UpdatedBy = binding.UpdatedBy,
    };

    private static V1.ApiKey ToWire(KeyName name, ApiKey key) => new()
    {
        Name = name.ToString(),
        DisplayName = key.DisplayName,
        Roles = { key.Roles },
        ExpireTime = key.ExpiresAt.ToTimestamp(),
        CreateTime = key.CreatedAt.ToTimestamp(),
        CreatedBy = key.CreatedBy,
        RevokeTime = key.RevokedAt?.ToTimestamp(),
    };

    private static string Text(DateTimeOffset time) => time.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}

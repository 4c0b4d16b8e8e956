// A real OpenID Connect provider (oidc-provider, certified) for the tests of sign-in.
//   node provider.mjs FOLDER_WITH_NODE_MODULES
// Writes its address on the first line. What a test wants changed is POSTed to /test.
import http from 'node:http'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const library = join(process.argv[2], 'node_modules/oidc-provider/lib/index.js')
const { default: Provider } = await import(pathToFileURL(library).href)
console.warn = console.info = () => {}

const state = {
  issuer: '', // what it calls itself; empty: its address
  person: { sub: 'p-1', preferred_username: 'd.nadeau', name: 'Diane Nadeau', groups: [] },
  acr: undefined,
  amr: ['pwd'],
  in_id_token: false, // whether the ID token has the groups, or userinfo alone
  hides_keys: false, // publishes other keys than it signs with
  is_away: false,
}
const newKey = (name) => ({
  ...generateKeyPairSync(name === 'ec' ? 'ec' : 'rsa', name === 'ec' ? { namedCurve: 'P-256' } : { modulusLength: 2048 })
    .privateKey.export({ format: 'jwk' }),
  kid: randomUUID(), use: 'sig', alg: name === 'ec' ? 'ES256' : 'RS256',
})
let key = newKey('rsa')
let stranger
let current
const sessions = new Map() // kept over a change of keys: codes are still good

class Memory {
  constructor(name) { this.name = name }
  at(id) { return `${this.name} ${id}` }
  async upsert(id, payload) { sessions.set(this.at(id), payload) }
  async find(id) { return sessions.get(this.at(id)) }
  async findByUid(uid) { for (const [k, v] of sessions) if (k.startsWith(`${this.name} `) && v.uid === uid) return v }
  async consume(id) { sessions.get(this.at(id)).consumed = Math.floor(Date.now() / 1000) }
  async destroy(id) { sessions.delete(this.at(id)) }
  async revokeByGrantId(id) { for (const [k, v] of sessions) if (v.grantId === id) sessions.delete(k) }
}

function build(address) {
  const provider = new Provider(state.issuer || address, {
    adapter: Memory,
    clients: [{
      client_id: 'vase-clos',
      client_secret: 'the-secret-of-the-lab-&-more',
      redirect_uris: [process.argv[3]],
      response_types: ['code'],
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: key.alg,
    }],
    jwks: { keys: [key] },
    cookies: { keys: ['a key of the tests'] },
    scopes: ['openid', 'profile', 'groups'],
    claims: { openid: ['sub', 'acr', 'amr'], profile: ['name', 'preferred_username', 'groups'] },
    acrValues: ['urn:example:silver', 'urn:example:gold'],
    conformIdTokenClaims: !state.in_id_token,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'ES256'] },
    interactions: { url: (_ctx, it) => `/enter/${it.uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ ...state.person, sub: id }) }),
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId })
      grant.addOIDCScope('openid profile groups')
      await grant.save()
      return grant
    },
    ttl: { IdToken: 3600, AccessToken: 3600, AuthorizationCode: 60, Grant: 3600, Interaction: 600, Session: 3600 },
  })
  return provider
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/test') {
    let text = ''
    for await (const part of request) text += part
    const { rotate, ...changes } = JSON.parse(text)
    Object.assign(state, changes)
    if (rotate) key = newKey(rotate)
    current = build(address).callback()
    response.end()
    return
  }
  if (state.is_away) return response.writeHead(503).end()
  if (state.hides_keys && request.url === '/jwks') {
    stranger ??= newKey('rsa')
    const { kty, n, e, kid, use, alg } = stranger
    return response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [{ kty, n, e, kid, use, alg }] }))
  }
  if (request.url.startsWith('/enter/')) {
    const provider = build(address)
    const login = { accountId: state.person.sub, remember: false, acr: state.acr, amr: state.amr }
    const back = request.headers['x-cancel'] ? { error: 'access_denied' } : { login }
    return provider.interactionFinished(request, response, back, { mergeWithLastSubmission: false })
  }
  return current(request, response)
})
let address
server.listen(0, '127.0.0.1', () => {
  address = `http://127.0.0.1:${server.address().port}`
  current = build(address).callback()
  console.log(address)
})

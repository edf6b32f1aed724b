// The policy assignments of policies.json, at the managed resource group. A custom definition cannot be stored there, so all
// of them assign built-in ones.

@description('Azure region: where the identities of assignments that can repair are kept.')
param location string

@description('Which parts of the table are assigned: true or false by name.')
param parts object

@description('True: the publisher\'s tenant is not the one that the application is deployed into.')
param crossTenant bool

var table = loadJsonContent('../policies.json')

resource audits 'Microsoft.Authorization/policyAssignments@2025-01-01' = [for policy in table.audits: if (parts[policy.part]) {
  name: policy.name
  properties: {
    displayName: policy.displayName
    description: policy.why
    policyDefinitionId: tenantResourceId('Microsoft.Authorization/policyDefinitions', policy.builtIn.id)
    parameters: policy.parameters
  }
}]

// These have an identity, and the role that their definition asks for, so that a remediation task can repair what they find.
// Not enforced, they change nothing on their own, and whoever tests can break what they judge.
resource repairs 'Microsoft.Authorization/policyAssignments@2025-01-01' = [for policy in table.repairs: {
  name: policy.name
  location: location
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    displayName: policy.displayName
    description: policy.why
    policyDefinitionId: tenantResourceId('Microsoft.Authorization/policyDefinitions', policy.builtIn.id)
    parameters: policy.parameters
    enforcementMode: policy.enforcementMode
  }
}]

// Role assignments are made in the publisher's tenant, while the identity is in the customer's: the id of the resource that
// has the identity says where to look. Within one tenant Azure refuses to be told.
resource repairRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (policy, i) in table.repairs: {
  name: guid(resourceGroup().id, policy.name, policy.role)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', policy.role)
    principalId: repairs[i].identity.principalId
    principalType: 'ServicePrincipal'
    delegatedManagedIdentityResourceId: crossTenant ? repairs[i].id : null
  }
}]
